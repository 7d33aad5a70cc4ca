import { conditionText } from '../runs/conditions.ts';
import { exitOfRun } from '../runs/exit.ts';
import { isOver, type LogLine, nameOf, type Run } from '../runs/types.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { fields, moment } from './table-text.ts';

/** One run as lists show it, a step for each as `show` does. */
export interface ShownRun {
  id: string;
  state: Run['state'];
  /** The exit code it stands for. */
  exit: number;
  what: string;
  event: string | null;
  parent: string | null;
  by: string;
  createdAt: string;
  endedAt: string | null;
  text: string;
  /** Steps that had their turn, of how many. */
  cursor: number;
  steps: ShownStep[];
}

interface ShownStep {
  name: string;
  kind: string;
  state: Run['steps'][number]['state'];
  attempts: number;
  startedAt: string | null;
  endedAt: string | null;
  text: string;
  when: string | null;
}

export function shownRun(run: Run): ShownRun {
  const { id, state, origin, parent, by, createdAt, endedAt, cursor, cancel } = run;
  const text = cancel === null || isOver(run) ? run.text : `${cancel.by} cancels it: ${cancel.why}`;
  return {
    id,
    state,
    exit: exitOfRun(run),
    what: origin.name,
    event: origin.event,
    parent,
    by,
    createdAt,
    endedAt,
    text,
    cursor,
    steps: run.steps.map(({ step, state: how, attempts, startedAt, endedAt: ended, text: said }) => ({
      name: nameOf(step),
      kind: step.kind,
      state: how,
      attempts,
      startedAt,
      endedAt: ended,
      text: said,
      when: step.when === undefined ? null : conditionText(step.when),
    })),
  };
}

/** One line for each run. */
export function runTable(runs: readonly ShownRun[], terminal: Terminal): void {
  terminal.table({
    title: 'Runs',
    columns: ['Id', 'State', 'Step', 'What', 'By', 'Began', 'Why'],
    rows: runs.map(({ id, state, cursor, steps, what, by, createdAt, text }) => [
      id,
      state,
      `${Math.min(cursor + 1, steps.length)}/${steps.length}`,
      what,
      by,
      moment(createdAt),
      text,
    ]),
    empty: 'Runs: none',
  });
}

export function showRun(run: ShownRun, terminal: Terminal): void {
  terminal.result(
    fields([
      ['Run', run.id],
      ['What', run.event === null ? run.what : `${run.what} (${run.event})`],
      ['State', run.text === '' ? run.state : `${run.state}: ${run.text}`],
      ['By', run.by],
      ['Began', run.createdAt],
      ...(run.endedAt === null ? [] : [['Ended', run.endedAt] as const]),
      ...(run.parent === null ? [] : [['Step of', run.parent] as const]),
    ]),
  );
  terminal.table({
    title: 'Steps',
    columns: ['Step', 'Kind', 'State', { header: 'Tries', align: 'right' }, 'What came of it'],
    rows: run.steps.map(({ name, kind, state, attempts, text }, index) => [
      `${index === run.cursor ? '>' : ' '} ${index + 1} ${name}`,
      kind,
      state,
      attempts,
      text,
    ]),
  });
}

/** One line for a person: what became of a run. */
export function runWords({ id, what, state, text }: ShownRun): string {
  return text === '' ? `${id} (${what}): ${state}` : `${id} (${what}): ${state}: ${text}`;
}

/** A line of a run's log. */
export function lineText({ at, step, text }: LogLine): string {
  return `${at.slice(0, 10)} ${at.slice(11, 19)} ${step === null ? '-' : step + 1} ${text}`;
}
