import type { DepotRunBrief, Json, RunHere } from '@d3/sdk';
import type { Branches, Following } from '@d3/sdk/command';
import { partOf } from '../rules/conduct.ts';
import { type Progress, progressOf, progressText } from '../rules/progress.ts';
import type { DeploymentRun } from '../types.ts';
import { scoreOfRun } from './decide.ts';
import type { RunPorts } from './run.ts';
import { scoreOf } from './score.ts';

/** Milliseconds between two looks. */
const LOOK = 500;
/** Milliseconds after which nobody works on a run that should have looked on by then: longer than what was lost is kept for others. */
const PATIENCE = 90_000;
/** So that looking at very many takes no more than its share. */
const HOSTS_A_MILLISECOND = 5;

/** How a run of a deployment stands. A type, so that it is JSON. */
export type Watched = {
  deployment: string;
  run: string;
  state: RunHere['state'];
  text: string;
  /** Whether somebody advances it. */
  isAdvanced: boolean;
  progress: Progress[];
  /** Hosts that something failed on, with what. */
  failed: { host: string; phase: string; step: string | null; text: string }[];
};

interface Watching {
  ports: RunPorts;
  follow: Following;
  pause: (milliseconds: number) => Promise<void>;
}

/** How it stands now. */
export async function standing(deployment: string, run: string, ports: StandingPorts): Promise<Watched> {
  const { admin } = ports;
  const [score, family] = await Promise.all([scoreOfRun(admin, run), admin.runs.family(run)]);
  return standingOf({ deployment, run, score, family }, ports);
}

type StandingPorts = Pick<RunPorts, 'admin' | 'clock'>;

async function standingOf(
  {
    deployment,
    run,
    score,
    family,
  }: { deployment: string; run: string; score: DeploymentRun; family: readonly DepotRunBrief[] },
  { admin, clock }: StandingPorts,
): Promise<Watched> {
  const found = await admin.runs.get(run);
  const failed = family.flatMap((brief) => {
    const part = partOf(run, brief.id);
    const host = part === null ? undefined : score.hosts[part.index]?.host;
    if (part === null || host === undefined || (brief.state !== 'failed' && brief.state !== 'holding')) return [];
    return [{ host, phase: part.phase, step: brief.step, text: brief.text }];
  });
  return {
    deployment,
    run,
    state: found?.state ?? 'failed',
    text: found?.steps[0]?.text || (found?.text ?? ''),
    isAdvanced: found !== null && isWorkedOn(found, clock.now()),
    progress: progressOf(run, scoreOf(score), family),
    failed,
  };
}

/** Between two looks nobody has it; who should have looked again long ago is not there. */
function isWorkedOn({ isAdvanced, steps, createdAt }: RunHere, now: Date): boolean {
  const next = Date.parse(steps[0]?.notBefore ?? createdAt);
  return isAdvanced || next > now.getTime() - PATIENCE;
}

/**
 * Follows a run until it is over or holds; or, where nobody advances it, until that is sure.
 * @param isOver whether whoever works on it here has ended; null: somebody else does, if anybody
 */
export async function follow(
  deployment: string,
  run: string,
  { ports, follow: shown, pause }: Watching,
  isOver: (() => boolean) | null = null,
): Promise<Watched> {
  const score = await scoreOfRun(ports.admin, run);
  const { admin } = ports;
  let now = await standing(deployment, run, ports);
  const tree = await shown.branches(now.progress.map(({ name }) => name));
  const told = new Map<string, string>();
  const look = async () => {
    const family = await admin.runs.family(run);
    now = await standingOf({ deployment, run, score, family }, ports);
    if (tree !== null) draw(tree, now);
    else
      for (const brief of family)
        tell(brief, { run, deployment, told, shown, hostOf: (index) => score.hosts[index]?.host ?? '' });
  };
  try {
    for (;;) {
      await look();
      if (now.state !== 'running' || (isOver === null ? !now.isAdvanced : isOver())) return now;
      await pause(LOOK + now.progress.reduce((sum, { hosts }) => sum + hosts, 0) / HOSTS_A_MILLISECOND);
    }
  } finally {
    await tree?.settle();
  }
}

function draw(tree: Branches, { progress, state }: Watched): void {
  const isEnd = state !== 'running';
  for (const [index, one] of progress.entries()) {
    tree.show(index, progressText(one));
    const over = one.done + one.failed + one.skipped === one.hosts;
    if (!over && !isEnd) continue;
    tree.end(index, one.failed > 0 ? 'failed' : one.done === one.hosts ? 'done' : isEnd ? 'open' : 'skipped');
  }
}

interface Telling {
  run: string;
  deployment: string;
  /** What was said last of each run. */
  told: Map<string, string>;
  shown: Following;
  hostOf: (index: number) => string;
}

function tell({ id, state, step, text }: DepotRunBrief, { run, deployment, told, shown, hostOf }: Telling): void {
  const part = partOf(run, id);
  if (part === null) return;
  const key = `${state} ${step}`;
  if (told.get(id) === key) return;
  told.set(id, key);
  const host = hostOf(part.index);
  const event: Json = { deployment, run, host, phase: part.phase, state, step, text };
  const what = state === 'running' ? (step ?? 'begins') : `${state}${text === '' ? '' : `: ${text}`}`;
  shown.happened(event, `${host} ${part.phase}: ${what}`);
}
