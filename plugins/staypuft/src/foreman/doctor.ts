import { D3Error } from '@d3/sdk';
import type { NamedHost, Proxy } from '../types.ts';
import { proxiesOf } from './autosign.ts';
import { CALLS, type CallName } from './calls.ts';
import { runmodeOf } from './classifier.ts';
import { ensured, type Foreman } from './client.ts';
import { JOB_TEMPLATE, jobTemplateId } from './job-template.ts';
import { type Environment, environments, HOLDING, hostgroupNamed, locate, restartsOnConversion } from './records.ts';
import type { Site } from './site.ts';
import { checkTemplate, renderedTemplate, TEMPLATE_NEXT } from './template.ts';

/** A type, so that it is JSON. */
export type Check = {
  check: string;
  ok: boolean;
  says: string;
  /** What to do; null where nothing is wrong. */
  next: string | null;
};

/** What is to be looked at besides Foreman itself. */
export interface Asked {
  /** Titles of hostgroups that have to be there. */
  hostgroups: readonly string[];
  /** Hosts whose rendered templates are read. */
  hosts: readonly NamedHost[];
  /** Proxies of the depot, by their names. */
  proxies: ReadonlyMap<string, Proxy>;
}

/** Plugins of Foreman, and what goes without them. */
const PLUGINS: readonly { name: RegExp; needed: boolean; what: string }[] = [
  { name: /^foreman[_-]puppet$/, needed: true, what: 'environments and the agent’s parameter' },
  { name: /^foreman[_-]discovery$/, needed: false, what: 'discovered hosts' },
  {
    name: /^foreman[_-]remote[_-]execution$/,
    needed: false,
    what: 'keys of proxies, and jobs where deployment.transport is foreman',
  },
];

/** Reads that everybody needs: whoever may not make one is told which permission is missing. */
const READS: readonly CallName[] = ['hosts', 'discovered', 'hostgroups', 'environments', 'proxies', 'classParameters'];

/** What has to be so in Foreman before a deployment can be run. It only reads. */
export async function examine(foreman: Foreman, site: Site, asked: Asked): Promise<Check[]> {
  const checks: Check[] = [];
  const status = await made(checks, 'version', async () => {
    const { version = 'it does not say' } = ((await foreman.call('status')) ?? {}) as { version?: string };
    return { ok: true, says: version, next: null };
  });
  // Nothing else is answered where it does not answer at all, or lets nobody in.
  if (!status) return checks;
  await plugins(checks, foreman);
  for (const name of READS) await made(checks, `may ${CALLS[name].permission}`, async () => reads(foreman, name));
  for (const name of wantedEnvironments(site))
    await made(checks, `environment ${name}`, async () => environment(await environments(foreman), name));
  await made(checks, 'restart on conversion', async () => {
    const restarts = await restartsOnConversion(foreman);
    const says = restarts
      ? 'on: discovered hosts are held in d3 until the deployment runs'
      : 'off: discovered hosts are converted when they are assigned';
    return { ok: true, says, next: null };
  });
  await made(checks, 'agent parameter', async () => agentParameter(foreman, site));
  await proxies(checks, foreman);
  if (site.jobs) await made(checks, 'job template', async () => jobTemplate(foreman));
  for (const title of asked.hostgroups) await made(checks, `hostgroup ${title}`, async () => hostgroup(foreman, title));
  for (const target of asked.hosts) await templates(checks, foreman, target, asked.proxies);
  return checks;
}

export function wantedEnvironments({ interim }: Pick<Site, 'interim'>): string[] {
  return [...new Set([HOLDING, ...(interim === null ? [] : [interim]), 'production'])];
}

/** @returns names that were made */
export async function createEnvironments(foreman: Foreman, names: readonly string[]): Promise<string[]> {
  const created: string[] = [];
  for (const name of names) {
    const wrote = await ensured(
      async () => environments(foreman),
      (there) => there.some((one) => one.name === name),
      async () => foreman.call('createEnvironment', { json: { environment: { name } } }),
    );
    if (wrote) created.push(name);
  }
  return created;
}

async function made(checks: Check[], check: string, work: () => Promise<Omit<Check, 'check'>>): Promise<boolean> {
  try {
    const found = await work();
    checks.push({ check, ...found });
    return found.ok;
  } catch (error) {
    if (!(error instanceof D3Error)) throw error;
    checks.push({ check, ok: false, says: error.message, next: error.actions[0] ?? null });
    return false;
  }
}

async function plugins(checks: Check[], foreman: Foreman): Promise<void> {
  let names: readonly { name: string; version: string }[] = [];
  const known = await made(checks, 'plugins', async () => {
    names = await pluginsOf(foreman);
    return { ok: true, says: names.map(({ name, version }) => `${name} ${version}`).join(', ') || 'none', next: null };
  });
  if (!known) return;
  for (const { name, needed, what } of PLUGINS) {
    const check = `plugin ${name.source.replaceAll(/[\^$]|\[|\]/g, '').replaceAll('_-', '_')}`;
    const found = names.find((one) => name.test(one.name));
    const next = needed ? 'Install it in Foreman.' : null;
    checks.push({
      check,
      ok: found !== undefined || !needed,
      says: found === undefined ? `not there: without it, no ${what}` : found.version,
      next: found === undefined ? next : null,
    });
  }
}

/** Unlike other lists, that of plugins gives them no ids. */
async function pluginsOf(foreman: Foreman): Promise<{ name: string; version: string }[]> {
  const answer = (await foreman.call('plugins')) as { results?: { name: string; version: string }[] } | null;
  return answer?.results ?? [];
}

async function reads(foreman: Foreman, name: CallName): Promise<Omit<Check, 'check'>> {
  const answer = (await foreman.call(name, { query: { per_page: 1 } })) as { subtotal?: number; total?: number } | null;
  return { ok: true, says: `${answer?.subtotal ?? answer?.total ?? 0} there`, next: null };
}

function environment(there: readonly Environment[], name: string): Omit<Check, 'check'> {
  return there.some((one) => one.name === name)
    ? { ok: true, says: 'there', next: null }
    : { ok: false, says: 'not there', next: `Make it: d3 foreman environments --create ${name}` };
}

async function agentParameter(foreman: Foreman, { agentClass }: Site): Promise<Omit<Check, 'check'>> {
  return (await runmodeOf(foreman, { agentClass })) === null
    ? {
        ok: false,
        says: `the Puppet class ${agentClass} has no parameter runmode here`,
        next: 'Install the module on the Puppet server and import its classes in Foreman; without it d3 switches the agent by puppet apply.',
      }
    : { ok: true, says: `${agentClass}::runmode`, next: null };
}

async function proxies(checks: Check[], foreman: Foreman): Promise<void> {
  await made(checks, 'smart proxies', async () => {
    const found = await proxiesOf(foreman);
    const lacking = ['Puppet CA', 'TFTP'].filter((one) => !found.some(({ features }) => features.includes(one)));
    const says = found.map(({ name, features }) => `${name} (${features.join(', ')})`).join('; ') || 'none';
    return lacking.length === 0
      ? { ok: true, says, next: null }
      : {
          ok: false,
          says: `${says}; none has ${lacking.join(' and ')}`,
          next: 'Switch the feature on at a smart proxy.',
        };
  });
}

async function jobTemplate(foreman: Foreman): Promise<Omit<Check, 'check'>> {
  await jobTemplateId(foreman);
  return { ok: true, says: JOB_TEMPLATE, next: null };
}

async function hostgroup(foreman: Foreman, title: string): Promise<Omit<Check, 'check'>> {
  const { environment: named, subnetId } = await hostgroupNamed(foreman, title);
  const lacks = [...(named === null ? ['an environment'] : []), ...(subnetId === null ? ['a subnet'] : [])];
  return lacks.length === 0
    ? { ok: true, says: `environment ${named as string}`, next: null }
    : { ok: false, says: `it lacks ${lacks.join(' and ')}`, next: `Give ${title} ${lacks.join(' and ')} in Foreman.` };
}

/** Only what is installed has a template: a registered host is never looked at. */
async function templates(
  checks: Check[],
  foreman: Foreman,
  target: NamedHost,
  known: ReadonlyMap<string, Proxy>,
): Promise<void> {
  const { name, host } = target;
  if (host.kind !== 'discovered') return;
  await made(checks, `template of ${name}`, async () => {
    const located = await locate(foreman, target);
    if (located.kind === 'discovered')
      return { ok: true, says: 'it has none until it is converted: one of its hostgroup’s hosts shows it', next: null };
    const template = (await renderedTemplate(foreman, located.record.id)) ?? '';
    const key = host.proxy === null ? null : (known.get(host.proxy)?.publicKey ?? null);
    const found = checkTemplate(template, key === null ? await remoteKeys(foreman) : [key]);
    for (const { what, ok, says } of found)
      checks.push({ check: `template of ${name}: ${what}`, ok, says, next: ok ? null : TEMPLATE_NEXT[what] });
    const wrong = found.filter(({ ok }) => !ok).length;
    return { ok: wrong === 0, says: wrong === 0 ? 'read' : `${wrong} of ${found.length} are wrong`, next: null };
  });
}

/** Keys of Foreman's own proxies, where the depot knows none. */
async function remoteKeys(foreman: Foreman): Promise<string[]> {
  const keys: string[] = [];
  for (const { id, features } of await proxiesOf(foreman)) {
    if (!features.some((one) => /SSH|Script/.test(one))) continue;
    const { remote_execution_pubkey: key } = (await foreman.call('proxy', { params: { id } })) as {
      remote_execution_pubkey?: string | null;
    };
    if (typeof key === 'string' && key !== '') keys.push(key);
  }
  return keys;
}
