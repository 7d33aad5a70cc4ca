import type { Pulled } from './result.ts';

/** What somebody should look at. */
export function warningsOf({ kinds, computers, reports }: Pulled): string[] {
  return [
    ...kinds.flatMap(({ kind, gone, conflicts }) => [
      ...gone.map((name) =>
        kind === 'group'
          ? `the group ${name} is gone from Jamf Pro: here it stays as it was, and nobody keeps it any more; see what uses it: d3admin group show "${name}"`
          : `the ${kind} ${name} is gone from Jamf Pro: here it stays`,
      ),
      ...conflicts.map(({ name, why }) => `${kind} ${name}: ${why}`),
    ]),
    ...computers.gone.map((name) => `the computer ${name} is gone from Jamf Pro: here it stays`),
    ...computers.conflicts.map(({ name, why }) => `the computer ${name}: ${why}`),
    ...reports.aside.map(
      ({ computer, why }) => `what ${computer} left in its extension attributes was put aside: ${why}`,
    ),
  ];
}
