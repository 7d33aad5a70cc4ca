import { readFileSync } from 'node:fs';
import path from 'node:path';
import { D3Error, type ExecPort, type PluginContext, type ProvisioningLogin, type Reporter } from '@d3/sdk';
import { adminPortOf } from '../admin/plugin-port.ts';
import type { PreferenceRow } from '../admin/preferences.ts';
import { type AdminSession, readyToChange, roomOf, withDepot, withOpened } from '../admin/session.ts';
import { adminName } from '../config/admin-name.ts';
import { loadSettings } from '../config/layers.ts';
import { NO_PREFERENCES, type Preferences, readPreferences, writePreferences } from '../config/preferences.ts';
import type { Settings } from '../config/settings.ts';
import { type DatabaseGiven, initDepot, openRemoteDepot } from '../depot/index.ts';
import type { HookSource, HookTracer } from '../lifecycle/bus.ts';
import { contextOf, type PluginsOptions, pluginsOnBus } from '../lifecycle/plugins.ts';
import { systemClock, ticks } from '../platform/clock.ts';
import { execIn } from '../platform/exec.ts';
import { ownWorkFolder } from '../platform/own-work.ts';
import { machinePaths, ownProgramPaths } from '../platform/paths.ts';
import { replaceFile } from '../platform/replace-file.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { databaseGiven } from './depot-database.ts';
import { depotLocation, requireDepot, requireFolder } from './depot-location.ts';
import type { Inputs } from './inputs.ts';
import { portsOf } from './plugin-ports.ts';

/** What an admin command has in its context. */
export interface AdminInput {
  flags: { admin?: string | undefined; keys?: string[] | undefined };
  inputs: Pick<Inputs, 'depot' | 'depotDatabase'>;
  env: Readonly<Record<string, string | undefined>>;
  hooks: HookSource;
  trace: HookTracer;
  report: Reporter;
  signal: AbortSignal;
  terminal: Pick<Terminal, 'canAsk' | 'text'>;
  /** The root of the machine whose configuration says which depot there is; left out: this one. */
  root?: string;
  /** Whose account does it, in place of who is named and what is kept here; for a served depot the password is their token. */
  login?: ProvisioningLogin | null;
}

/** What an admin command finds where it runs. */
export interface AdminHere {
  settings: Settings;
  /** What this admin usually wants. */
  preferences: Preferences;
  /** Runs programs in private folders on the depot's own ground. */
  exec: ExecPort;
  /** What a plugin's command gets to work with. */
  contextOf(plugin: string, session: AdminSession): PluginContext;
}

/** Opens the depot for a command that changes it: somebody must be named. */
export function changingDepot<Result>(
  input: AdminInput,
  work: (session: AdminSession, here: AdminHere) => Promise<Result>,
): Promise<Result> {
  return openedDepot(input, { named: true, readOnly: false }, async (session, here) => {
    await readyToChange(session);
    return work(session, here);
  });
}

/** Opens the depot for a command that signs for a person: somebody must be named, and drafts may wait. */
export function signingDepot<Result>(
  input: AdminInput,
  work: (session: AdminSession, here: AdminHere) => Promise<Result>,
): Promise<Result> {
  return openedDepot(input, { named: true, readOnly: false }, work);
}

/** Opens the depot for what its owner does without changing what it says: no person need be named. */
export function tendingDepot<Result>(
  input: AdminInput,
  work: (session: AdminSession, here: AdminHere) => Promise<Result>,
): Promise<Result> {
  return openedDepot(input, { named: false, readOnly: false }, work);
}

/** Opens the depot for a command that only looks. @param database instead of what is said of it */
export function readingDepot<Result>(
  input: AdminInput,
  work: (session: AdminSession, here: AdminHere) => Promise<Result>,
  database?: DatabaseGiven,
): Promise<Result> {
  return openedDepot(input, { named: false, readOnly: true }, work, database);
}

async function openedDepot<Result>(
  { flags, inputs, env, hooks, trace, report, signal, terminal, root = '/', login = null }: AdminInput,
  { named, readOnly }: { named: boolean; readOnly: boolean },
  work: (session: AdminSession, here: AdminHere) => Promise<Result>,
  otherDatabase?: DatabaseGiven,
): Promise<Result> {
  const { settings, preferences, location, database } = await locationHere({ inputs, terminal, root });
  const given = login?.user ?? flags.admin ?? preferences.admin ?? undefined;
  // Programs of plugins find their working folders in the depot's own ground, which only its owner may enter.
  const folder = typeof location === 'string' ? path.join(location, 'work') : ownWorkFolder();
  const exec = execIn(folder);
  const paths = machinePaths('/', process.platform);
  const start = { debug: false, parent: env['D3_RUN'] || null, own: '/' };
  const machine = async () => {
    const { machineHere } = await import('./machine.ts');
    return (await machineHere({ inputs: { root: '/', depot: null }, env, hooks, trace, version: '', signal })).machine;
  };
  const ports: PluginsOptions['ports'] = (plugin, room) => portsOf(plugin, { paths, machine, ...start, ...room });
  const plugins = pluginsOnBus({ hooks, exec, ports, clock: systemClock, ticks, trace });
  const keys = [ownProgramPaths().signingKeys, ...(flags.keys ?? [])].map((each) => path.resolve(each));
  const rest = {
    clock: systemClock,
    plugins,
    report,
    signal,
    portOf: (session: AdminSession) => adminPortOf(session, folder),
  };
  const here: AdminHere = {
    settings,
    preferences,
    exec,
    contextOf: (plugin, session) => contextOf(plugin, roomOf(session), { exec, ports, clock: systemClock }),
  };
  if (typeof location === 'string') {
    const admin = named ? adminName(given, settings.admin, settings.prohibitedAdminNames, env) : '';
    const options = { dir: location, database: otherDatabase ?? database, keys, readOnly, admin, ...rest };
    return withDepot(options, (session) => work(session, here));
  }
  const { tokenFor, tokenOf, requireOwner } = await import('./served-depot.ts');
  const token = login === null ? await tokenFor(location, settings, preferences, env) : tokenOf(login, location);
  const trust = { folder: ownProgramPaths().signedDepots, firstRoot: settings.trustRoot };
  const signer = { keys, trust, clock: systemClock };
  const answer = otherDatabase?.answer;
  const options = {
    url: location,
    token: async () => token,
    ca: settings.httpCa,
    work: folder,
    signal,
    answer,
    signer,
  };
  const depot = await openRemoteDepot(options);
  const admin = depot.admin ?? '';
  if (login !== null) await requireOwner(login, depot);
  else if (flags.admin !== undefined && flags.admin !== admin) {
    await depot.close();
    throw new D3Error('ADMIN_IS_THE_TOKEN', 'usage', `The token is ${admin}’s: what it does is not ${flags.admin}’s.`, {
      target: '--admin',
      actions: ['leave the name out', `or use the token of ${flags.admin}: d3admin config credentials ${flags.admin}`],
    });
  }
  return withOpened(depot, { admin, ...rest }, (session) => work(session, here));
}

/** Which depot on this host is meant, and what is said of its database. @throws D3Error usage for one that is served */
export async function depotHere(input: Pick<AdminInput, 'inputs' | 'terminal'>) {
  const { location, ...rest } = await locationHere(input);
  return { ...rest, dir: requireFolder(location) };
}

/** What the depot is that would be opened; nobody is asked. */
export async function depotKindHere({
  inputs,
  root = '/',
}: Pick<AdminInput, 'inputs' | 'root'>): Promise<'folder' | 'served' | 'none'> {
  const settings = await loadSettings(machinePaths(root, process.platform));
  const location = depotLocation(inputs.depot, (await ownPreferences()).depot ?? settings.depot);
  if (location === null) return 'none';
  return typeof location === 'string' ? 'folder' : 'served';
}

/** Which depot is meant, wherever it is, and what is said of it. Without one a person is asked, where that can be. */
export async function locationHere({ inputs, terminal, root = '/' }: Pick<AdminInput, 'inputs' | 'terminal' | 'root'>) {
  const settings = await loadSettings(machinePaths(root, process.platform));
  const preferences = await ownPreferences();
  const known = depotLocation(inputs.depot, preferences.depot ?? settings.depot);
  const location = requireDepot(known ?? (terminal.canAsk ? await firstDepot(terminal) : null));
  const database = await databaseGiven(inputs.depotDatabase, settings);
  return { settings, preferences, location, database };
}

/** The first time somebody uses d3admin: what it cannot do without is asked for once, and kept. */
async function firstDepot(terminal: AdminInput['terminal']): Promise<string | URL> {
  const { preferenceRow, preferenceValue } = await import('../admin/preferences.ts');
  const row = preferenceRow('depot') as PreferenceRow;
  const typed = await terminal.text({
    question: `${row.label}:`,
    flag: '--depot',
    details: ['No depot is known yet. What you say is kept; d3admin config changes it.', row.explanation],
  });
  const depot = preferenceValue(row, typed, []);
  if (depot === null) return requireDepot(null);
  await savePreferences({ depot });
  return depotLocation(depot, null) ?? depot;
}

/** Nobody's, where there is no home to have any in. */
export async function ownPreferences(): Promise<Preferences> {
  const { preferences } = ownProgramPaths();
  return path.isAbsolute(preferences) ? readPreferences(preferences) : NO_PREFERENCES;
}

/** Changes some of them, if they change at all. @returns all of them */
export async function savePreferences(changes: Partial<Preferences>): Promise<Preferences> {
  const before = await ownPreferences();
  const after = { ...before, ...changes };
  if (JSON.stringify(after) === JSON.stringify(before)) return before;
  const saved = { ...after, savedAt: systemClock.now().toISOString() };
  writePreferences(ownProgramPaths().preferences, saved);
  return saved;
}

/** Makes a depot. @param dir absolute path of an empty folder, or of one that is not there yet */
export async function makeDepot(dir: string, inputs: Pick<Inputs, 'depotDatabase'>): Promise<void> {
  const settings = await loadSettings(machinePaths('/', process.platform));
  return initDepot(dir, { clock: systemClock, database: await databaseGiven(inputs.depotDatabase, settings) });
}

/** Where a person's own signing keys are. @param said as typed */
export function ownKeysFolder(said: string | undefined): string {
  return path.resolve(said ?? ownProgramPaths().signingKeys);
}

/** Writes a file whole, over one that is there. @returns its absolute path */
export function writeWhole(file: string, text: string): string {
  const at = path.resolve(file);
  try {
    replaceFile(at, text);
  } catch (error) {
    throw new D3Error('FILE_NOT_WRITTEN', 'failed', `${at} cannot be written: ${(error as Error).message}.`, {
      target: at,
      cause: error,
    });
  }
  return at;
}

/** A file as it is typed. @throws D3Error notFound (34), or failed when it cannot be read */
export function readText(file: string): string {
  const at = path.resolve(file);
  try {
    return readFileSync(at, 'utf8');
  } catch (error) {
    const isGone = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new D3Error(
      'FILE_NOT_READ',
      isGone ? 'notFound' : 'failed',
      isGone ? `There is no file ${at}.` : `${at} cannot be read: ${(error as Error).message}.`,
      { target: at, cause: error },
    );
  }
}
