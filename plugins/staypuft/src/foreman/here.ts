import { readFile } from 'node:fs/promises';
import { D3Error } from '@d3/sdk';
import type { CommandContext, CommandOutcome } from '@d3/sdk/command';
import type { Assignment, Blueprint, Deployment, Host, NamedHost, Proxy, Role } from '../types.ts';
import { hostgroupOfRole } from './assign.ts';
import { addEntry, authorityOf, entriesOf, removeEntry } from './autosign.ts';
import type { Foreman } from './client.ts';
import { type Discovered, type Looked, lookInDepot, lookInForeman, takeIn } from './discover.ts';
import { type Asked, type Check, createEnvironments, examine, wantedEnvironments } from './doctor.ts';
import { hostsIn } from './inventory.ts';
import { installJobTemplate, JOB_TEMPLATE, type JobTemplate, jobTemplateText } from './job-template.ts';
import { depotOf } from './notes.ts';
import { environments } from './records.ts';
import { type ForemanContext, siteOf, withForeman } from './site.ts';
import { SNIPPETS, type Snippet, type SnippetKind, snippets } from './snippets.ts';

/** A type, so that it is JSON. */
export type Autosigned = { proxy: string; entries: string[]; changed: string[] };

/** What `d3admin computer discover` does. */
export async function discoverHere(context: CommandContext): Promise<CommandOutcome<Discovered[]>> {
  const { flags } = context;
  const dryRun = flags['dry-run'] === true;
  return context.depot(dryRun ? 'reads' : 'changes', async (admin, ports) => {
    const looked = await look(flags, { settings: ports.settings, signal: ports.signal, admin });
    return { result: await takeIn(looked, { admin }, dryRun), warnings: looked.warnings };
  });
}

async function look(flags: Readonly<Record<string, unknown>>, ports: ForemanContext): Promise<Looked> {
  const file = flags['from'];
  if (typeof file === 'string') return { found: await hostsIn(await textOf(file), file), left: [], warnings: [] };
  if (flags['computers'] === true) return lookInDepot(ports);
  return withForeman(ports, lookInForeman, flags);
}

/** What `d3 foreman doctor` does. */
export async function doctorHere(context: CommandContext): Promise<CommandOutcome<Check[]>> {
  const { flags } = context;
  const ports = await context.ports();
  const works = async (asked: Asked) =>
    withForeman(
      ports,
      async (foreman, site) => {
        await mend(foreman, wantedEnvironments(site), context);
        return examine(foreman, site, asked);
      },
      flags,
    );
  const isAlone = flags['deployment'] === undefined && flags['host'] === undefined;
  const named = (flags['hostgroup'] ?? []) as readonly string[];
  const checks = isAlone
    ? await works({ hostgroups: named, hosts: [], proxies: new Map() })
    : await context.depot('reads', async (admin) =>
        works(await askedOf(flags, named, { settings: ports.settings, signal: ports.signal, admin })),
      );
  const errors = checks
    .filter(({ ok }) => !ok)
    .map(
      ({ check, says, next }) =>
        new D3Error('FOREMAN_NOT_READY', 'verificationFailed', `${check}: ${says}`, {
          target: check,
          actions: next === null ? [] : [next],
        }),
    );
  return { result: checks, errors };
}

/** Makes environments that are missing, where --fix or somebody at the terminal says so. */
async function mend(
  foreman: Foreman,
  wanted: readonly string[],
  { flags, canAsk, ask }: CommandContext,
): Promise<void> {
  if (flags['fix'] !== true) {
    if (!canAsk) return;
    // What stands against reading them, the checks say.
    const there = await environments(foreman).catch(() => null);
    const missing = wanted.filter((name) => there?.every((one) => one.name !== name));
    if (missing.length === 0) return;
    const question = `Make the Puppet environments ${missing.join(', ')} in Foreman?`;
    if (!(await ask.confirm({ question, flag: '--fix' }))) return;
  }
  await createEnvironments(foreman, wanted);
}

/** Hostgroups and hosts of a deployment, and hosts that are named. */
async function askedOf(
  flags: Readonly<Record<string, unknown>>,
  hostgroups: readonly string[],
  ports: ForemanContext,
): Promise<Asked> {
  const depot = depotOf(ports);
  const proxies = new Map((await depot.documents('proxy').list()).map(({ name, body }) => [name, body as Proxy]));
  const name = flags['deployment'];
  const names = [...((flags['host'] ?? []) as readonly string[])];
  const titles = [...hostgroups];
  if (typeof name === 'string') {
    const deployment = (await found(depot, 'deployment', name)).body as Deployment;
    const blueprint = (await found(depot, 'blueprint', deployment.blueprint)).body as Blueprint;
    const { hostgroup } = siteOf(await ports.settings.all());
    for (const role of blueprint.roles as readonly Role[]) {
      const title = hostgroupOfRole(role, hostgroup);
      if (title !== null) titles.push(title);
    }
    names.push(...(deployment.hosts as readonly Assignment[]).map(({ host }) => host));
  }
  const hosts: NamedHost[] = [];
  for (const one of new Set(names)) {
    const document = await found(depot, 'host', one);
    hosts.push({ name: document.name, host: document.body as Host });
  }
  return { hostgroups: [...new Set(titles)], hosts, proxies };
}

async function found(depot: ReturnType<typeof depotOf>, kind: 'deployment' | 'blueprint' | 'host', name: string) {
  const document = await depot.documents(kind).byName(name);
  if (document !== null) return document;
  throw new D3Error(`${kind.toUpperCase()}_NOT_FOUND`, 'notFound', `There is no ${kind} ${name}`, {
    target: name,
    actions: [
      kind === 'host' ? 'See which there are: d3admin computer discover' : `See which there are: d3 ${kind} list`,
    ],
  });
}

/** What `d3 foreman environments` does. */
export async function environmentsHere({
  flags,
  ports,
}: CommandContext): Promise<CommandOutcome<{ environments: string[]; created: string[] }>> {
  const result = await withForeman(
    await ports(),
    async (foreman) => {
      const created = await createEnvironments(foreman, (flags['create'] ?? []) as readonly string[]);
      return { environments: (await environments(foreman)).map(({ name }) => name).toSorted(), created };
    },
    flags,
  );
  return { result };
}

/** What `d3 foreman snippets` does. */
export async function snippetsHere(context: CommandContext): Promise<CommandOutcome<Snippet[]>> {
  const { flags, args } = context;
  const kind = args['kind'] as SnippetKind | undefined;
  const kinds = kind === undefined ? SNIPPETS : [kind];
  const user = String(flags['login-user']);
  const file = flags['key-file'];
  if (typeof file === 'string') return { result: await snippets(kinds, linesOf(await textOf(file)), user) };
  const named = flags['proxy'] as readonly string[] | undefined;
  return context.depot('reads', async (admin) => {
    const all = await admin.documents('proxy').list();
    const unknown = named?.find((one) => !all.some(({ name }) => name.toLowerCase() === one.toLowerCase()));
    if (unknown !== undefined)
      throw new D3Error('PROXY_NOT_FOUND', 'notFound', `There is no proxy ${unknown}`, {
        target: unknown,
        actions: ['Add it: d3 proxy add'],
      });
    const keys = all
      .filter(({ name }) => named?.some((one) => one.toLowerCase() === name.toLowerCase()) ?? true)
      .flatMap(({ body }) => (body as Proxy).publicKey ?? []);
    return { result: await snippets(kinds, [...new Set(keys)], user) };
  });
}

/** What `d3 foreman job-template` does. */
export async function jobTemplateHere({ flags, ports }: CommandContext): Promise<CommandOutcome<JobTemplate>> {
  const result = { name: JOB_TEMPLATE, text: await jobTemplateText(), installed: null, changed: false };
  if (flags['install'] !== true) return { result };
  const changed = await withForeman(await ports(), installJobTemplate, flags);
  return { result: { ...result, installed: true, changed } };
}

/** What `d3 foreman register` does. */
export async function registerHere({
  flags,
  ports,
}: CommandContext): Promise<CommandOutcome<{ command: string; hours: number }>> {
  const hours = Number(flags['hours']);
  const ids = {
    organization_id: flags['organization'],
    location_id: flags['location'],
    smart_proxy_id: flags['smart-proxy'],
    operatingsystem_id: flags['operating-system'],
  };
  const given = Object.fromEntries(Object.entries(ids).filter(([, value]) => value !== undefined));
  const answer = await withForeman(
    await ports(),
    async (foreman) =>
      foreman.call('register', {
        json: {
          registration_command: { ...given, setup_remote_execution: true, jwt_expiration: hours, insecure: false },
        },
      }),
    flags,
  );
  const { registration_command: command } = (answer ?? {}) as { registration_command?: unknown };
  if (typeof command === 'string' && command !== '') return { result: { command, hours } };
  throw new D3Error('FOREMAN_NO_COMMAND', 'failed', 'Foreman answered with no registration command', {
    target: 'foreman register',
    actions: ['See whether the account may register hosts: d3 foreman doctor'],
  });
}

/** What `d3 foreman autosign` does. */
export async function autosignHere(
  { flags, args, ports }: CommandContext,
  what: 'list' | 'add' | 'remove',
): Promise<CommandOutcome<Autosigned>> {
  const names = ((args['name'] ?? []) as readonly string[]).map((one) => one.toLowerCase());
  const result = await withForeman(
    await ports(),
    async (foreman) => {
      const { id, name: proxy } = await authorityOf(
        foreman,
        typeof flags['proxy'] === 'string' ? flags['proxy'] : null,
      );
      const changed: string[] = [];
      const change = what === 'add' ? addEntry : removeEntry;
      for (const name of names) if (await change(foreman, id, name)) changed.push(name);
      return { proxy, entries: await entriesOf(foreman, id), changed };
    },
    flags,
  );
  return { result };
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new D3Error('FILE_UNREADABLE', 'usage', `${file} cannot be read: ${why}`, {
      target: file,
      actions: ['Name a file that is there.'],
      cause,
    });
  }
}

function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((one) => one.trim())
    .filter((one) => one !== '' && !one.startsWith('#'));
}
