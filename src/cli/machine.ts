import { hostname } from 'node:os';
import { readDepotKey } from '../client/depot-key.ts';
import { logsOf } from '../client/log.ts';
import type { Machine } from '../client/run.ts';
import { adminName } from '../config/admin-name.ts';
import { loadSettings } from '../config/layers.ts';
import type { Settings } from '../config/settings.ts';
import { createDepotClient, depotUrl, FolderTransport, HttpTransport, type Transport } from '../depot/index.ts';
import { drivers, formatsHere, installerParts } from '../installers/index.ts';
import type { HookSource, HookTracer } from '../lifecycle/bus.ts';
import { pluginsOnBus } from '../lifecycle/plugins.ts';
import { ownAddresses } from '../platform/addresses.ts';
import { systemClock, ticks } from '../platform/clock.ts';
import { execIn } from '../platform/exec.ts';
import type { MachinePaths } from '../platform/paths.ts';
import { depotLocation, refuseInTheClear } from './depot-location.ts';
import type { Inputs } from './inputs.ts';
import { portsOf } from './plugin-ports.ts';
import { pathsWithin } from './root-bounds.ts';

/** What a machine is put together from: part of every client command's context. */
export interface MachineInput {
  inputs: Pick<Inputs, 'root' | 'depot'>;
  env: Readonly<Record<string, string | undefined>>;
  hooks: HookSource;
  trace: HookTracer;
  version: string;
  signal: AbortSignal;
  flags?: { debug?: boolean };
  /** Root of the package of the d3 that runs. */
  own?: string;
}

export interface MachineHere {
  machine: Machine;
  settings: Settings;
  /** Who acts. @throws D3Error usage when nobody is named */
  admin(given: string | undefined): string;
}

/** The way to a depot or a mirror. Credentials go to the host that the configuration names as the depot, and nowhere else. */
function transportTo(location: string | URL, settings: Settings, paths: MachinePaths, signal: AbortSignal): Transport {
  if (typeof location === 'string') return new FolderTransport(location);
  const { httpCa } = settings;
  return new HttpTransport(location, { credentials: credentialsFor(location, settings, paths), ca: httpCa, signal });
}

/** The machine's own key goes to the depot it is enrolled at, and before what the configuration names. */
function credentialsFor(
  location: URL,
  { httpCredentials, depot }: Settings,
  paths: MachinePaths,
): (() => Promise<string>) | null {
  const key = ownKeyFor(location, paths);
  if (key !== null) {
    return async () => {
      refuseInTheClear(location, 'The key of this machine is');
      return key;
    };
  }
  if (httpCredentials === null || !isConfigured(location, depot)) return null;
  return async () => {
    refuseInTheClear(location, 'http.credentials are', 'or take http.credentials out');
    return (await import('../config/secrets.ts')).readSecret('http.credentials', httpCredentials);
  };
}

/** The key of this machine, if that is where it is enrolled. */
function ownKeyFor({ origin }: URL, paths: MachinePaths): string | null {
  const key = readDepotKey(paths);
  return key !== null && new URL(key.depot).origin === origin ? key.key : null;
}

function isConfigured({ origin }: URL, depot: string | null): boolean {
  return depot !== null && depotUrl(depot)?.origin === origin;
}

/** How the command was started that plugins' ports belong to. */
export function startOf({ flags = {}, env, own = '/' }: Pick<MachineInput, 'flags' | 'env' | 'own'>) {
  return { debug: flags.debug === true, parent: env['D3_RUN'] || null, own };
}

/** Puts the machine together from its adapters: the one place where they are chosen. */
export async function machineHere(input: MachineInput): Promise<MachineHere> {
  const paths = pathsWithin(input.inputs);
  const settings = await loadSettings(paths);
  const location = depotLocation(input.inputs.depot, settings.depot);
  const clock = systemClock;
  const depot =
    location === null
      ? null
      : createDepotClient({
          transport: transportTo(location, settings, paths, input.signal),
          trustDir: paths.trust,
          firstRoot: settings.trustRoot,
          clock,
          isEnrolled: location instanceof URL && ownKeyFor(location, paths) !== null,
          mirror: (url) => transportTo(depotUrl(url) ?? url, settings, paths, input.signal),
          addresses: ownAddresses,
        });
  const { installSignature: required, installTeamIds: teamIds } = settings;
  const parts = installerParts(paths.work, { signature: { required, teamIds } });
  const machine: Machine = {
    paths,
    depot,
    driverFor: drivers(parts),
    formats: formatsHere(parts),
    plugins: pluginsOnBus({
      hooks: input.hooks,
      exec: execIn(paths.work),
      ports: (plugin, room) => portsOf(plugin, { paths, machine: async () => machine, ...startOf(input), ...room }),
      clock,
      ticks,
      trace: input.trace,
    }),
    clock,
    settings: {
      pilots: settings.syncPilots,
      quitProcesses: settings.processesQuit,
      noticeDays: settings.processesNoticeDays,
      removeFirst: settings.installRemoveFirst,
      cacheBytes: settings.cacheMaxMegabytes * 1_000_000,
    },
    openLog: logsOf(paths, settings, clock, process.pid, hostname()),
    version: input.version,
  };
  return {
    settings,
    admin: (given) => adminName(given, settings.admin, settings.prohibitedAdminNames, input.env),
    machine,
  };
}
