import { silentReporter } from '@d3/sdk';
import { type AvailableRow, listAvailable } from '../../src/client/lists.ts';
import { noLog } from '../../src/client/log.ts';
import { type Machine, type RunOptions, type RunResult, runRequest } from '../../src/client/run.ts';
import type { BlobSource, DepotClient, TrustedCatalog } from '../../src/depot/contract.ts';
import { createDepotClient, FolderTransport } from '../../src/depot/index.ts';
import { type Committed, type DriverFor, drivers, formatsHere, installerParts } from '../../src/installers/index.ts';
import { noPlugins } from '../../src/lifecycle/plugins.ts';
import type { Request } from '../../src/planner/types.ts';
import { type Clock, systemClock } from '../../src/platform/clock.ts';
import { machinePaths } from '../../src/platform/paths.ts';

/** A machine put together as the command line does it. */
export function machineOf(root: string, depot: string, clock: Clock = systemClock): Machine {
  const paths = machinePaths(root, process.platform);
  const installers = installerParts(paths.work);
  return {
    paths,
    depot: createDepotClient({ transport: new FolderTransport(depot), trustDir: paths.trust, clock }),
    driverFor: drivers(installers),
    formats: formatsHere(installers),
    plugins: noPlugins,
    clock,
    settings: { pilots: 'hold', quitProcesses: 'off', noticeDays: 0, removeFirst: 'seed', cacheBytes: 1e12 },
    openLog: noLog,
    version: '0.0.0',
  };
}

/** Carries out a request as a person called sally would. */
export function requestOf(machine: Machine, request: Request, options: Partial<RunOptions> = {}): Promise<RunResult> {
  return runRequest(request, machine, {
    command: request.kind,
    admin: 'sally',
    dryRun: false,
    wait: 0,
    debug: false,
    notify: true,
    parent: null,
    signal: new AbortController().signal,
    report: silentReporter,
    ...options,
  });
}

/** What a machine lists as available to it. */
export function availableTo(machine: Machine, trusted: TrustedCatalog, all = false): Promise<AvailableRow[]> {
  return listAvailable(machine, trusted, { all, signal: new AbortController().signal, report: silentReporter });
}

/** The depot of a machine, but for some of its answers. */
export function depotWith({ depot }: Machine, changes: Partial<DepotClient>): DepotClient {
  if (depot === null) throw new Error('this machine has no depot');
  return {
    location: depot.location,
    refresh: () => depot.refresh(),
    kept: (options) => depot.kept(options),
    record: (computer) => depot.record(computer),
    blob: (sha256) => depot.blob(sha256),
    report: (report) => depot.report(report),
    time: () => depot.time(),
    sources: () => (changes.blob === undefined ? depot.sources() : [sourceOf(depot.location, changes.blob)]),
    ...changes,
  };
}

/** A source of package files that gives what is given for their blobs, from the beginning each time. */
function sourceOf(location: string, blob: DepotClient['blob']): BlobSource {
  const open = async (sha256: string) => ({ stream: await blob(sha256), from: 0, tag: null });
  return { location, pauses: [], open };
}

/** The machine's installers, but for the last step of each install. */
export function driversWith({ driverFor }: Machine, commit: (commit: () => Promise<void>) => Promise<void>): DriverFor {
  return (edition) => {
    const driver = driverFor(edition);
    return {
      ...driver,
      async prepare(pkg, target) {
        const prepared = await driver.prepare(pkg, target);
        return {
          paths: prepared.paths,
          warnings: prepared.warnings,
          rollback: () => prepared.rollback(),
          async commit() {
            let done: Committed = { paths: null, replacedAll: false };
            await commit(async () => {
              done = await prepared.commit();
            });
            return done;
          },
        };
      },
    };
  };
}
