import { D3Error, type Json } from '@d3/sdk';
import { CALLS, type Call, type CallName, type Role } from './connector/calls.ts';
import type { Connection } from './connector/connection.ts';
import { listGroups, membersOf } from './connector/groups.ts';
import { listPolicies, readPolicy } from './connector/policies.ts';
import { findRecord } from './connector/records.ts';
import { privilegesOf } from './roles.ts';

/** A type, so that it is JSON. */
export type Check = {
  check: string;
  ok: boolean;
  says: string;
  /** Under which path the server has it; null where nothing was asked, or nothing found. */
  path: string | null;
  /** Privileges of which one at least is missing. */
  lacks: string[];
};

export interface Examined {
  checks: Check[];
  errors: D3Error[];
}

/** Names of extension attributes by the setting they are in. */
export type ConfiguredAttributes = ReadonlyMap<string, string>;

const ONE: ReadonlyArray<readonly [string, string]> = [['page-size', '1']];
/** Of which list one is read, by the call that reads it. */
const ONE_OF: Readonly<Partial<Record<CallName, CallName>>> = {
  package: 'packages',
  script: 'scripts',
  category: 'categories',
  department: 'departments',
  building: 'buildings',
  attribute: 'attributes',
  smartMembers: 'smartGroups',
  computer: 'computers',
};
/** Milliseconds that two clocks may differ: the server says its time in whole seconds, and an answer takes time. */
const CLOCKS_AGREE = 30_000;

/** The settings of which each names an extension attribute. */
const ATTRIBUTE_SETTINGS = ['jamf.reportAttribute', 'jamf.receiptsAttribute', 'jamf.queueAttribute'];

export function configuredAttributes(settings: Readonly<Record<string, Json>>): ConfiguredAttributes {
  const named = ATTRIBUTE_SETTINGS.map((setting) => [setting, settings[setting]] as const);
  return new Map(named.filter((one): one is readonly [string, string] => typeof one[1] === 'string' && one[1] !== ''));
}

/** What a site should check first on its own server: every call of a role that reads is made once. Nothing is changed. */
export async function examine(
  connection: Connection,
  role: Role,
  attributes: ConfiguredAttributes = new Map(),
): Promise<Examined> {
  const examined: Examined = { checks: [], errors: [] };
  const first = new Map<CallName, string>();
  const entries = Object.entries(CALLS) as [CallName, Call][];
  const names = entries.filter(([, call]) => call.method === 'get' && call.roles.includes(role)).map(([name]) => name);
  // Who logged in and what the server is comes first: without these, nothing else is answered either.
  for (const name of ['version', 'authorization', ...names] as CallName[]) {
    if (examined.checks.some(({ check }) => check === name)) continue;
    const work = readingOf(connection, name, first);
    if (work !== null && !(await made(examined, name, connection, work))) return examined;
    if (name === 'authorization') clock(examined, connection);
  }
  for (const [setting, name] of attributes) {
    const goesOn = await made(examined, setting, null, async () => attribute(connection, setting, name));
    if (!goesOn) return examined;
  }
  return examined;
}

/** How one call is tried; null where there is nothing to try it with. */
function readingOf(
  connection: Connection,
  name: CallName,
  first: Map<CallName, string>,
): (() => Promise<string>) | null {
  const { paths }: Call = CALLS[name];
  switch (name) {
    case 'version':
      return async () => textOf(await connection.call(name), 'version');
    case 'authorization':
      return async () => whoIs(await connection.call(name));
    case 'cloudDistributionPoint':
      return async () => cloud(await unlessAbsent(connection, name));
    case 'uploadCapability':
      return async () => {
        const answer = (await unlessAbsent(connection, name)) as { directUploadCapable?: boolean } | null;
        return answer?.directUploadCapable === true ? 'takes uploads' : 'takes no uploads';
      };
    case 'policies':
      return async () => {
        const policies = await listPolicies(connection);
        if (policies[0] !== undefined) first.set('policy', policies[0].id).set('policyByName', policies[0].name);
        return `${policies.length} there`;
      };
    case 'policy':
    case 'policyByName': {
      const which = first.get(name);
      if (which === undefined) return null;
      return async () => (await readPolicy(connection, name === 'policy' ? { id: which } : { name: which })).name;
    }
    case 'groupMembers':
      return async () => {
        const group = (await listGroups(connection)).find(({ smart }) => !smart);
        return group === undefined ? 'no static group to try' : `${(await membersOf(connection, group)).length} in one`;
      };
  }
  if (!paths.some((one) => one.includes('{'))) return async () => count(await list(connection, name), name, first);
  const of = ONE_OF[name];
  const id = of === undefined ? undefined : first.get(of);
  if (id === undefined) return null;
  return async () => {
    await connection.call(name, { params: { id } });
    return 'one was read';
  };
}

/** What a call answers; null where the server has no such thing. */
async function unlessAbsent(connection: Connection, name: CallName): Promise<unknown> {
  try {
    return await connection.call(name);
  } catch (error) {
    if (error instanceof D3Error && error.code === 'JAMF_NOT_FOUND') return null;
    throw error;
  }
}

/** Makes one check; whether the next is worth making. */
async function made(
  { checks, errors }: Examined,
  check: string,
  connection: Connection | null,
  work: () => Promise<string>,
): Promise<boolean> {
  const taken = () => connection?.taken(check as CallName) ?? null;
  try {
    checks.push({ check, ok: true, says: await work(), path: taken(), lacks: [] });
    return true;
  } catch (error) {
    if (!(error instanceof D3Error)) throw error;
    const forbidden = error.code === 'JAMF_FORBIDDEN' && connection !== null;
    const lacks = forbidden ? [...new Set(privilegesOf(check as CallName))] : [];
    checks.push({ check, ok: false, says: error.message, path: taken(), lacks });
    errors.push(error);
    // Nothing else is answered either; asking again would only lock an account.
    return error.code !== 'JAMF_NOT_AUTHORISED' && error.code !== 'JAMF_UNREACHABLE';
  }
}

async function list(connection: Connection, name: CallName): Promise<unknown> {
  const paged = !['sites', 'groups', 'cloudFiles'].includes(name);
  return connection.call(name, paged ? { query: ONE } : {});
}

function count(answer: unknown, name: CallName, first: Map<CallName, string>): string {
  const { totalCount, results } = (Array.isArray(answer) ? { results: answer, totalCount: answer.length } : answer) as {
    totalCount?: number;
    results?: { id?: string }[];
  };
  const id = results?.[0]?.id;
  if (id !== undefined) first.set(name, id);
  return `${totalCount ?? 0} there`;
}

function clock({ checks, errors }: Examined, { ahead }: Connection): void {
  if (ahead === null) return;
  const seconds = Math.round(Math.abs(ahead) / 1000);
  const says = seconds === 0 ? 'the clocks agree' : `the server's is ${seconds} s ${ahead > 0 ? 'ahead' : 'behind'}`;
  const ok = Math.abs(ahead) <= CLOCKS_AGREE;
  checks.push({ check: 'clock', ok, says, path: null, lacks: [] });
  if (ok) return;
  const actions = ['Have both set by a time server: tokens and what is signed end by the clock.'];
  errors.push(new D3Error('JAMF_CLOCKS_DIFFER', 'failed', says, { target: 'clock', actions }));
}

async function attribute(connection: Connection, setting: string, name: string): Promise<string> {
  const found = await findRecord(connection, 'attribute', name);
  if (found !== null && found.enabled !== false) return `${name} is there, filled by ${found.inputType}`;
  const says = found === null ? `there is no extension attribute ${name}` : `the extension attribute ${name} is off`;
  throw new D3Error('JAMF_NO_ATTRIBUTE', 'notFound', says, {
    target: setting,
    actions: [
      found === null ? `Make it in Jamf Pro, or set ${setting} to one that is there.` : 'Enable it in Jamf Pro.',
    ],
  });
}

function whoIs(answer: unknown): string {
  const { authenticationType, account } = (answer ?? {}) as {
    authenticationType?: string;
    account?: { username?: string } | null;
  };
  if (authenticationType === 'CLIENT_CREDENTIALS') return 'an API client';
  return `the user ${account?.username ?? ''} (${authenticationType ?? 'nobody knows how'})`;
}

function cloud(answer: unknown): string {
  const { cdnType, hasConnectionSucceeded, message } = (answer ?? {}) as {
    cdnType?: string;
    hasConnectionSucceeded?: boolean;
    message?: string;
  };
  if (cdnType === undefined || cdnType === 'NONE') return 'none: files are on your own distribution points only';
  return `${cdnType}, ${hasConnectionSucceeded === true ? 'connected' : `not connected: ${message ?? ''}`}`;
}

function textOf(answer: unknown, field: string): string {
  const value = (answer as Record<string, unknown> | null)?.[field];
  return typeof value === 'string' ? value : 'it does not say';
}
