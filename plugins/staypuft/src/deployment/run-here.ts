import { type AdminPort, type DepotRunBrief, EXIT_CODES, type PluginContext } from '@d3/sdk';
import type { CommandContext, CommandOutcome } from '@d3/sdk/command';
import { runName } from '../rules/host-steps.ts';
import { waited } from '../waited.ts';
import { type DecidedRun, releaseHosts, resumeDeployment } from './decide.ts';
import { type Chosen, planHere, refusalOf } from './plan.ts';
import { portsOf } from './ports.ts';
import { beginRun, type RunPorts } from './run.ts';
import { follow, standing, type Watched } from './watch.ts';
import { planText } from './words.ts';

/** What came of running a deployment; null: there was nothing to do. */
export type RunResult = {
  deployment: string;
  watched: Watched | null;
  /** What would be done, in words; null unless that was asked. */
  plan: string | null;
  left: number;
};

/** Hosts that one process works on at the same time. */
const ABREAST = 50;

export async function runPorts(admin: AdminPort, context: PluginContext): Promise<RunPorts> {
  const endWork: RunPorts['endWork'] = async (host, ids) => {
    const [{ remoteOf }, { targetNamed }] = await Promise.all([import('../remote.ts'), import('./reach.ts')]);
    await (await remoteOf(context)).end(await targetNamed(admin, host), ...ids);
  };
  return { ...(await portsOf(admin, context)), admin, endWork };
}

/** Begins a run, works on it and follows it to its end. */
export async function runHere(
  { depot, follow: shown, signal }: CommandContext,
  name: string,
  chosen: Chosen,
  { jobs, detach }: { jobs: number; detach: boolean },
): Promise<CommandOutcome<RunResult>> {
  return depot('changes', async (admin, context) => {
    const ports = await runPorts(admin, context);
    const abreast = Number((await context.settings.all())['deployment.abreast'] ?? ABREAST);
    const { run, plan } = await beginRun(name, chosen, abreast, ports);
    const { deployment, left } = plan;
    if (run === null) return { result: { deployment, watched: null, plan: null, left: left.length } };
    const watched = detach
      ? await standing(deployment, run, ports)
      : await workAndFollow(deployment, run, { admin, ports, shown, signal, jobs });
    return { result: { deployment, watched, plan: null, left: left.length }, exit: detach ? 0 : exitOf(watched) };
  });
}

/** What a run would do. */
export async function dryRunHere(
  { depot }: CommandContext,
  name: string,
  chosen: Chosen,
): Promise<CommandOutcome<RunResult>> {
  return depot('reads', async (admin, context) => {
    const { plan } = await planHere(name, chosen, await portsOf(admin, context));
    const refusal = refusalOf(plan);
    const result = { deployment: plan.deployment, watched: null, plan: planText(plan), left: plan.left.length };
    return refusal === null ? { result } : { result, exit: refusal.exitCode, errors: refusal.errors };
  });
}

/** Decides something about a run; where that lets it go on, somebody has to work on it. */
export async function decideHere(
  { depot, signal }: CommandContext,
  decide: (ports: RunPorts, pause: (milliseconds: number) => Promise<void>) => Promise<DecidedRun>,
): Promise<CommandOutcome<DecidedRun>> {
  return depot('changes', async (admin, context) => ({
    result: await decide(await runPorts(admin, context), pauseOf(signal)),
  }));
}

/** Hands hosts over and works on that here, also where their run is over or holds. */
export async function releaseHere(
  { depot }: CommandContext,
  name: string,
  host: string | null,
): Promise<CommandOutcome<DecidedRun>> {
  return depot('changes', async (admin, context) => {
    const ports = await runPorts(admin, context);
    const decided = await releaseHosts(name, host, ports);
    await admin.runs.work(decided.run, { abreast: ABREAST });
    return released(decided, await admin.runs.family(decided.run));
  });
}

function released(decided: DecidedRun, family: readonly DepotRunBrief[]): CommandOutcome<DecidedRun> {
  const byId = new Map(family.map((brief) => [brief.name, brief]));
  const ends = decided.hosts.map((one) => ({ one, end: byId.get(runName(decided.deployment, one.host, 'release')) }));
  const hosts = ends.map(({ one, end }) =>
    end?.state === 'done' ? one : { ...one, text: `is not released: ${end?.text ?? ''}` },
  );
  const done = ends.filter(({ end }) => end?.state === 'done').length;
  const exit = done === hosts.length ? EXIT_CODES.done : done === 0 ? EXIT_CODES.failed : EXIT_CODES.partly;
  return { result: { ...decided, hosts }, exit: exit.code };
}

/** Lets a run go on, works on it here and follows it to its end. */
export async function resumeHere(
  { depot, follow: shown, signal }: CommandContext,
  name: string,
  jobs: number,
): Promise<CommandOutcome<RunResult>> {
  return depot('changes', async (admin, context) => {
    const ports = await runPorts(admin, context);
    const { deployment, run } = await resumeDeployment(name, ports);
    const watched = await workAndFollow(deployment, run, { admin, ports, shown, signal, jobs });
    return { result: { deployment, watched, plan: null, left: 0 }, exit: exitOf(watched) };
  });
}

interface Working {
  admin: AdminPort;
  ports: RunPorts;
  shown: CommandContext['follow'];
  signal: AbortSignal;
  jobs: number;
}

/** Advances a run here, with whoever else does, and shows how it goes. */
export async function workAndFollow(
  deployment: string,
  run: string,
  { admin, ports, shown, signal, jobs }: Working,
): Promise<Watched> {
  let isOver = false;
  const work = admin.runs.work(run, { abreast: jobs }).finally(() => {
    isOver = true;
  });
  const followed = follow(deployment, run, { ports, follow: shown, pause: pauseOf(signal) }, () => isOver);
  // Whoever is stopped still gives back what it was at, so that the next one need not wait.
  const [worked, shownToTheEnd] = await Promise.allSettled([work, followed]);
  if (worked.status === 'rejected') throw worked.reason;
  signal.throwIfAborted();
  if (shownToTheEnd.status === 'rejected') throw shownToTheEnd.reason;
  return standing(deployment, run, ports);
}

export function pauseOf(signal: AbortSignal): (milliseconds: number) => Promise<void> {
  return (milliseconds) => waited(milliseconds, signal);
}

/** 0: all done. 40: some were left out or failed as their roles allow. 44: it holds. 41: somebody else is at it. 1: it was ended. */
export function exitOf({ state, progress }: Watched): number {
  switch (state) {
    case 'done': {
      const isWhole = progress.every(
        ({ failed, skipped, hosts, done, name }) =>
          name === 'release' || (failed === 0 && skipped === 0 && done === hosts),
      );
      return isWhole ? EXIT_CODES.done.code : EXIT_CODES.partly.code;
    }
    case 'holding':
      return EXIT_CODES.failedHeld.code;
    case 'running':
    case 'waiting':
      return EXIT_CODES.busy.code;
    default:
      return EXIT_CODES.failed.code;
  }
}
