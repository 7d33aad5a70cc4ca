import type { DepotRunBrief, Json, RunHere } from '@d3/sdk';
import type { Branches, Following } from '@d3/sdk/command';
import { partOf } from '../rules/conduct.ts';
import { type Progress, progressOf, progressText } from '../rules/progress.ts';
import { scoreOfRun } from './decide.ts';
import type { RunPorts } from './run.ts';
import { scoreOf } from './score.ts';

/** Milliseconds between two looks; and looks after which a run that nobody advances is told as such. */
const LOOK = 500;
const PATIENCE = 20;

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
export async function standing(deployment: string, run: string, { admin }: Pick<RunPorts, 'admin'>): Promise<Watched> {
  const [score, family, found] = await Promise.all([
    scoreOfRun(admin, run),
    admin.runs.family(run),
    admin.runs.get(run),
  ]);
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
    isAdvanced: found?.isAdvanced ?? false,
    progress: progressOf(run, scoreOf(score), family),
    failed,
  };
}

/**
 * Follows a run until it is over or holds; or, where nobody advances it, until that is sure.
 * @param isOver whether whoever works on it here has ended
 */
export async function follow(
  deployment: string,
  run: string,
  { ports, follow: shown, pause }: Watching,
  isOver: () => boolean = () => false,
): Promise<Watched> {
  const score = await scoreOfRun(ports.admin, run);
  let now = await standing(deployment, run, ports);
  const tree = await shown.branches(now.progress.map(({ name }) => name));
  const told = new Map<string, string>();
  let quiet = 0;
  const look = async () => {
    const family = await ports.admin.runs.family(run);
    now = await standing(deployment, run, ports);
    if (tree !== null) draw(tree, now);
    else
      for (const brief of family)
        tell(brief, { run, deployment, told, shown, hostOf: (index) => score.hosts[index]?.host ?? '' });
  };
  try {
    for (;;) {
      await look();
      quiet = now.isAdvanced ? 0 : quiet + 1;
      if (now.state !== 'running' || isOver() || quiet > PATIENCE) return now;
      await pause(LOOK);
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
