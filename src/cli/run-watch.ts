import { pause } from '../platform/pause.ts';
import { isHeld } from '../runs/engine.ts';
import { mustGet } from '../runs/saving.ts';
import { type KeptLine, nameOf, type Run } from '../runs/types.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { BranchEnd } from '../terminal/tree.ts';
import type { RunPlace } from './run-place.ts';
import { lineText } from './run-text.ts';

/** Milliseconds between two looks. */
const LOOK = 300;
/** Looks after which a run that nobody advances is taken for one that was cut. */
const PATIENCE = 10;

/** Follows a run until nothing more happens by itself. @returns the run as it is then */
export async function watchRun(id: string, place: RunPlace, terminal: Terminal, signal: AbortSignal): Promise<Run> {
  const { store, deciding } = place;
  let run = await mustGet(store, id);
  const tree = await terminal.tree(run.steps.map(({ step }, index) => `${index + 1} ${nameOf(step)}`));
  let last = 0;
  let quiet = 0;
  const look = async () => {
    for (const line of await store.lines(id, last)) {
      last = line.id;
      if (tree === null) tell(line, id, terminal);
      else if (line.step !== null) tree.show(line.step, line.text);
    }
    for (const [index, { state }] of run.steps.entries()) {
      if (state === 'done' || state === 'failed' || state === 'skipped') tree?.end(index, state satisfies BranchEnd);
    }
  };
  try {
    for (;;) {
      run = await mustGet(store, id);
      await look();
      if (run.state !== 'running') break;
      quiet = isHeld(run, deciding) ? 0 : quiet + 1;
      if (quiet >= PATIENCE || terminal.closed) break;
      await pause(LOOK, signal);
    }
    return run;
  } finally {
    await tree?.settle();
  }
}

function tell(line: KeptLine, id: string, terminal: Terminal): void {
  if (terminal.json) terminal.document({ run: id, ...line });
  else terminal.result(lineText(line));
}
