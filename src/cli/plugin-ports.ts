import path from 'node:path';
import type { MachinePorts, Reporter, RunsPort } from '@d3/sdk';
import type { Machine } from '../client/run.ts';
import { installedPrograms } from '../platform/installed-program.ts';
import type { MachinePaths } from '../platform/paths.ts';
import { PATIENCE } from './patience.ts';
import type { RunsHere } from './runs-here.ts';

/** What a plugin's ports are made from. All of it is loaded when a port is first used. */
export interface PortParts {
  paths: MachinePaths;
  machine(): Promise<Machine>;
  debug: boolean;
  /** The run this process was started from, by one of its scripts; null when there is none. */
  parent: string | null;
  /** Root of the package of the d3 that runs. */
  own: string;
  signal: AbortSignal;
  report: Reporter;
}

/** Whoever acts where no person does: records say so. */
const NOBODY = 'unknown';

/** What a plugin reaches of the machine a command works on. */
export function portsOf(plugin: string, parts: PortParts): MachinePorts {
  const { paths, debug, parent, signal, report } = parts;
  const { root, facts } = paths;
  const { platform } = process;
  const run = async () => (await import('../platform/program.ts')).runProgram;
  const power = async () => {
    const { powerOf } = await import('../platform/power.ts');
    return powerOf({ root, facts, platform, run: await run() });
  };
  const options = { wait: PATIENCE, debug, parent, signal, report };
  const withRuns = async <Result>(work: (here: RunsHere) => Promise<Result>): Promise<Result> => {
    const { runsOf } = await import('./runs-here.ts');
    const here = runsOf(await parts.machine(), options);
    try {
      return await work(here);
    } finally {
      here.runs.close();
    }
  };
  const ownRuns = <Result>(work: (port: RunsPort) => Promise<Result>): Promise<Result> =>
    withRuns(async ({ runs }) => {
      const { pluginRuns } = await import('../client/plugin-runs.ts');
      return work(pluginRuns(runs, (await parts.machine()).clock));
    });
  const syncHere = async () => {
    const { pluginSync } = await import('../client/plugin-machine.ts');
    return pluginSync(await parts.machine(), options);
  };
  /** What is at work in a root folder is not what is at work on its host. */
  const runningHere = async () => {
    const { gatherRunning, processesAreSaid } = await import('../platform/machine.ts');
    return root === '/' || processesAreSaid(facts) ? gatherRunning(facts) : [];
  };
  const elsewhere = async () => {
    const { elsewhereOf } = await import('../client/plugin-machine.ts');
    return elsewhereOf(await parts.machine(), { signal, report });
  };
  const triggerParts = async () => ({ paths, plugin, root, platform, run: await run() });
  const rootFs = async () => (await import('../platform/rootfs.ts')).openRootFs(root);
  const folder = path.join(paths.plugins, plugin.replaceAll(/[^A-Za-z0-9._-]/g, '_'));
  return {
    root,
    settings: {
      all: async () => (await import('../config/layers.ts')).loadPluginSettings(paths, plugin),
    },
    policies: {
      run: (word, environment, within) =>
        withRuns(async ({ runs, policies }) => {
          const { runForPlugin } = await import('../client/plugin-policy.ts');
          const run = within === undefined ? null : await runs.store.get(within.run);
          const step =
            run === null || within === undefined ? null : { run, index: within.index, round: within.round ?? 0 };
          return runForPlugin(word, environment, run?.by ?? NOBODY, { policies, signal }, step);
        }),
    },
    runs: {
      create: (run) => ownRuns((port) => port.create(run)),
      get: (id) => ownRuns((port) => port.get(id)),
      list: () => ownRuns((port) => port.list()),
      advance: (id, how) => ownRuns((port) => port.advance(id, how)),
      retry: (id, by) => ownRuns((port) => port.retry(id, by)),
      skip: (id, by, why) => ownRuns((port) => port.skip(id, by, why)),
      cancel: (id, by, why) => ownRuns((port) => port.cancel(id, by, why)),
      hurry: (id) => ownRuns((port) => port.hurry(id)),
      log: (id) => ownRuns((port) => port.log(id)),
    },
    sync: {
      pending: async () => (await syncHere()).pending(),
      run: async (by) => (await syncHere()).run(by),
    },
    machine: {
      facts: () =>
        withRuns(async ({ runs }) =>
          (await import('../client/plugin-machine.ts')).machineFacts(await parts.machine(), runs),
        ),
      record: async () => (await import('../client/plugin-machine.ts')).recordHere(await parts.machine(), options),
      async rename(name) {
        const { renameComputer } = await import('../platform/computer-name.ts');
        return renameComputer(name, { root, platform, run: await run() });
      },
      async report() {
        const { sendReport } = await import('../client/send-report.ts');
        await sendReport(await parts.machine(), { ...options, command: 'provision' });
      },
    },
    provisioning: {
      resolve: async (login) => (await elsewhere()).resolve(login),
      named: async (name, login) => (await elsewhere()).named(name, login),
      choices: async (login) => (await elsewhere()).choices(login),
      write: async (change, login) => (await elsewhere()).write(change, login),
      stands: async (state) => (await elsewhere()).stands(state),
    },
    network: {
      async send(request) {
        const [{ sendJson }, { loadSettings }] = await Promise.all([
          import('../platform/send-json.ts'),
          import('../config/layers.ts'),
        ]);
        return sendJson(request, { ca: (await loadSettings(paths)).httpCa, signal });
      },
    },
    queue: {
      list: async () => (await import('../client/queue.ts')).queueOf({ paths }),
      async install(edition, { environment, ui = report }) {
        const { installQueued } = await import('../client/queue.ts');
        return installQueued(edition, await parts.machine(), { ...options, environment, report: ui });
      },
      async giveUp(basename, reason) {
        const { giveUp } = await import('../client/queue.ts');
        await giveUp(basename, reason, await parts.machine(), options);
      },
    },
    receipts: {
      list: async () => (await import('../client/planning.ts')).receiptsForPlugins(paths),
      async takeOver(found, how) {
        const { takeOverFiles } = await import('../client/take-over.ts');
        return takeOverFiles(found, await parts.machine(), { ...how, wait: PATIENCE, signal, report });
      },
    },
    session: {
      user: async () => (await import('../platform/machine.ts')).gatherUser(root, facts),
    },
    power: {
      battery: async () =>
        (await import('../platform/battery.ts')).batteryOf({ root, facts, platform, run: await run() }),
      bootId: async () => (await power()).bootId(),
      restart: async () => (await power()).restart(),
      awake: async (work) =>
        (await import('../platform/awake.ts')).keepAwake(work, { root, platform, run: await run() }),
    },
    files: {
      folder,
      list: async (at) => (await import('../platform/hostile-files.ts')).plainFilesIn(root, at),
      read: async (file, maxBytes) => (await import('../platform/hostile-files.ts')).readHostile(root, file, maxBytes),
      mark: async (file) => (await rootFs()).mark(file),
      async unmark(file) {
        const rootfs = await rootFs();
        if (rootfs.holds(file, { type: 'file', size: 0, target: null })) rootfs.removeFile(file);
      },
      write: async (name, content) => (await import('../platform/own-files.ts')).writeOwn(folder, name, content),
      edit: async (file, change, how) => (await import('../platform/edit-file.ts')).editFile(root, file, change, how),
    },
    processes: {
      list: async () => (await import('../platform/machine.ts')).gatherRunning(facts),
      startedBy: async () => (await import('../platform/processes.ts')).startedBy(),
    },
    programs: installedPrograms(root, run),
    system: {
      async clock() {
        const { depot, clock } = await parts.machine();
        const { builtAt } = await import('./built-at.ts');
        const { lookAtClock } = await import('../client/clock-look.ts');
        const said = (await depot?.time()) ?? { signed: null, host: null };
        return lookAtClock(clock.now(), { ...said, built: builtAt(parts.own) });
      },
      setClock: async () =>
        (await import('../platform/time-service.ts')).setClock({ root, platform, run: await run() }),
      async updating() {
        const { saidOnly } = await import('../platform/machine.ts');
        const { systemUpdate } = await import('../platform/at-work.ts');
        return saidOnly(facts).systemUpdate ?? systemUpdate(root, await runningHere(), platform);
      },
      async installing() {
        return (await import('../platform/at-work.ts')).installerAtWork(await runningHere(), platform);
      },
    },
    triggers: {
      async program() {
        const { programFor } = await import('./service-here.ts');
        return programFor(undefined, root, parts.own).program;
      },
      install: async (trigger, how) =>
        (await import('../client/triggers.ts')).installTrigger(trigger, await triggerParts(), how),
      remove: async (trigger, how) =>
        (await import('../client/triggers.ts')).removeTrigger(trigger, await triggerParts(), how),
      state: async (trigger) => (await import('../client/triggers.ts')).triggerState(trigger, await triggerParts()),
    },
  };
}
