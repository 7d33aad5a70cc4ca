import path from 'node:path';
import { D3Error, type ExecPort, type Reporter } from '@d3/sdk';
import type { PreferenceRow } from '../admin/preferences.ts';
import { type AdminSession, withDepot, withOpened } from '../admin/session.ts';
import { adminName } from '../config/admin-name.ts';
import { loadSettings } from '../config/layers.ts';
import { NO_PREFERENCES, type Preferences, readPreferences, writePreferences } from '../config/preferences.ts';
import type { Settings } from '../config/settings.ts';
import { initDepot, openRemoteDepot } from '../depot/index.ts';
import type { HookSource, HookTracer } from '../lifecycle/bus.ts';
import { pluginsOnBus } from '../lifecycle/plugins.ts';
import { systemClock, ticks } from '../platform/clock.ts';
import { execIn } from '../platform/exec.ts';
import { machinePaths, ownProgramPaths } from '../platform/paths.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { depotLocation, requireDepot } from './depot-location.ts';
import type { Inputs } from './inputs.ts';

/** What an admin command has in its context. */
export interface AdminInput {
  flags: { admin?: string | undefined };
  inputs: Pick<Inputs, 'depot'>;
  env: Readonly<Record<string, string | undefined>>;
  hooks: HookSource;
  trace: HookTracer;
  report: Reporter;
  signal: AbortSignal;
  terminal: Pick<Terminal, 'canAsk' | 'text'>;
}

/** What an admin command finds where it runs. */
export interface AdminHere {
  settings: Settings;
  /** What this admin usually wants. */
  preferences: Preferences;
  /** Runs programs in private folders on the depot's own ground. */
  exec: ExecPort;
}

/** Opens the depot for a command that changes it: somebody must be named. */
export function changingDepot<Result>(
  input: AdminInput,
  work: (session: AdminSession, here: AdminHere) => Promise<Result>,
): Promise<Result> {
  return openedDepot(input, true, async (session, here) => {
    // Publishing comes last and needs the keys: what cannot be published is not to be changed either.
    await session.depot.publish();
    return work(session, here);
  });
}

/** Opens the depot for a command that only looks. */
export function readingDepot<Result>(
  input: AdminInput,
  work: (session: AdminSession, here: AdminHere) => Promise<Result>,
): Promise<Result> {
  return openedDepot(input, false, work);
}

async function openedDepot<Result>(
  { flags, inputs, env, hooks, trace, report, signal, terminal }: AdminInput,
  named: boolean,
  work: (session: AdminSession, here: AdminHere) => Promise<Result>,
): Promise<Result> {
  const settings = await loadSettings(machinePaths('/', process.platform));
  const preferences = await ownPreferences();
  const given = flags.admin ?? preferences.admin ?? undefined;
  const known = depotLocation(inputs.depot, preferences.depot ?? settings.depot);
  const location = requireDepot(known ?? (terminal.canAsk ? await firstDepot(terminal) : null));
  // Programs of plugins find their working folders in the depot's own ground, which only its owner may enter.
  const folder = typeof location === 'string' ? path.join(location, 'work') : ownProgramPaths().work;
  const exec = execIn(folder);
  const plugins = pluginsOnBus({ hooks, exec, clock: systemClock, ticks, trace });
  const rest = { clock: systemClock, plugins, report, signal };
  const here = { settings, preferences, exec };
  if (typeof location === 'string') {
    const admin = named ? adminName(given, settings.admin, settings.prohibitedAdminNames, env) : '';
    return withDepot({ dir: location, admin, ...rest }, (session) => work(session, here));
  }
  const { tokenFor } = await import('./served-depot.ts');
  const token = await tokenFor(location, settings, preferences, env);
  const options = { url: location, token: async () => token, ca: settings.httpCa, work: folder, signal };
  const depot = await openRemoteDepot(options);
  const admin = depot.admin ?? '';
  if (flags.admin !== undefined && flags.admin !== admin) {
    await depot.close();
    throw new D3Error('ADMIN_IS_THE_TOKEN', 'usage', `The token is ${admin}’s: what it does is not ${flags.admin}’s.`, {
      target: '--admin',
      actions: ['leave the name out', `or use the token of ${flags.admin}: d3admin config credentials ${flags.admin}`],
    });
  }
  return withOpened(depot, { admin, ...rest }, (session) => work(session, here));
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
export function makeDepot(dir: string): Promise<void> {
  return initDepot(dir, { clock: systemClock });
}
