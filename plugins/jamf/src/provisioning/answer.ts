import {
  type ChoicesAnswer,
  D3Error,
  type Json,
  type PluginContext,
  type ProvisionedAnswer,
  type ProvisioningQuestion,
} from '@d3/sdk';
import type { Connection } from '../connector/connection.ts';
import { readPolicy } from '../connector/policies.ts';
import { listRecords, listSites } from '../connector/records.ts';
import { connect, isComplete, type SecretReader, siteOf } from '../site.ts';
import { find, namesOf, recordOf } from './computer.ts';
import { keep } from './kept.ts';
import { write } from './write.ts';

type Asked = Exclude<ProvisioningQuestion, { ask: 'read' }>;
type Ports = Pick<PluginContext, 'settings' | 'state' | 'files' | 'signal'>;

const MAX_SECRET = 4096;

/** Asks Jamf Pro, as the machine's own API client or as whoever logs in. Where no Jamf Pro is configured, somebody else answers. */
export async function answer(question: Asked, ports: Ports): Promise<Json> {
  const settings = await ports.settings.all();
  const { login = null } = question;
  const site = siteOf(login === null ? {} : { user: login.user }, settings);
  if (site.server === null || (login === null && !isComplete(site))) return { handled: false };
  const password = { secret: async () => login?.password ?? '' };
  const connection = await connect(site, ports.signal, password, secretUnder(ports));
  try {
    if (question.ask === 'choices') return await choices(connection, question.record.policies ?? []);
    const answered =
      question.ask === 'resolve'
        ? await resolve(connection, question.record)
        : await write(connection, question.record, question.record.change);
    if (question.record.here === true) keep(answered.record, ports);
    return answered;
  } finally {
    await connection.close();
  }
}

async function resolve(
  connection: Connection,
  claims: Extract<Asked, { ask: 'resolve' }>['record'],
): Promise<ProvisionedAnswer> {
  const computer = await find(connection, claims);
  const record = computer === null ? null : recordOf(computer, await namesOf(connection, computer));
  return { schema: 'd3/provisioned@1', record };
}

async function choices(connection: Connection, policies: readonly string[]): Promise<ChoicesAnswer> {
  const [departments, buildings, sites, attributes, are] = await Promise.all([
    listRecords(connection, 'department'),
    listRecords(connection, 'building'),
    listSites(connection),
    listRecords(connection, 'attribute'),
    Promise.all(policies.map(async (name) => [name, await isPolicy(connection, name)] as const)),
  ]);
  const names = (rows: readonly { name: string }[]) => rows.map(({ name }) => name).sort();
  const writable = attributes.filter(({ inputType }) => inputType === 'TEXT' || inputType === 'POPUP');
  return {
    schema: 'd3/provisioning-choices@1',
    departments: names(departments),
    buildings: names(buildings),
    sites: names(sites),
    attributes: Object.fromEntries(
      writable.map((one) => [one.name, one.inputType === 'POPUP' ? (one.popupMenuChoices ?? []) : null]),
    ),
    policies: Object.fromEntries(are),
  };
}

async function isPolicy(connection: Connection, name: string): Promise<boolean> {
  try {
    await readPolicy(connection, { name });
    return true;
  } catch (error) {
    if (error instanceof D3Error && error.code === 'JAMF_NOT_FOUND') return false;
    throw error;
  }
}

/** A machine's secret lies under its root, where only root, or whoever runs d3 there, may have written it. */
function secretUnder({ files }: Pick<Ports, 'files'>): SecretReader {
  return async (file) => {
    const found = await files.read(file, MAX_SECRET);
    if (found === null) throw new Error(`no plain file of up to ${MAX_SECRET} bytes is there`);
    if (found.uid !== 0 && found.uid !== process.getuid?.()) throw new Error('it is somebody else’s');
    return { text: found.bytes.toString('utf8'), mode: found.mode };
  };
}
