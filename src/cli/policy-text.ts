import type { ListedPolicy, PolicyOutcome } from '../client/policies.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { moment } from './table-text.ts';

/** What `d3 policy` prints with --json. */
export interface PolicyResult {
  /** What was listed, or would be run. */
  policies: ListedPolicy[];
  /** What came of each; null when nothing was run. */
  outcomes: PolicyOutcome[] | null;
}

export function showPolicies({ policies, outcomes }: PolicyResult, terminal: Terminal): void {
  if (outcomes !== null) {
    terminal.result(
      outcomes
        .map(({ policy, run, state, text }) => {
          const words = text === '' ? state : `${state}: ${text}`;
          return run === null ? `${policy}: ${words}` : `${policy}: ${words} (run ${run})`;
        })
        .join('\n'),
    );
    return;
  }
  terminal.table({
    title: 'Policies',
    columns: [{ header: 'Id', align: 'right' }, 'Name', 'Events', 'How often', 'Steps', 'Done', 'Not now, because'],
    rows: policies.map(({ id, name, events, frequency, steps, done, not }) => [
      id,
      name,
      events.join(', '),
      frequency,
      steps.join(', '),
      done === null ? '-' : moment(done),
      not ?? '',
    ]),
    empty: 'Policies: none',
  });
}
