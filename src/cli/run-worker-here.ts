import { shareOf, type Worked, workOnRuns } from '../admin/run-worker.ts';
import { openRunQueue } from '../depot/index.ts';
import { type AdminInput, locationHere, readingDepot } from './admin-here.ts';

/** Milliseconds between two looks at the runs: a file of this host is asked more often than what many share, a database or a server. */
const LOOK = 1000;
const LOOK_SHARED = 3000;

/** @param lease seconds */
export async function workHere(
  input: AdminInput,
  { jobs, lease, once }: { jobs: number; lease: number; once: boolean },
): Promise<Worked> {
  const { location, database } = await locationHere(input);
  const milliseconds = lease * 1000;
  const impatient = { ...database, answer: shareOf(milliseconds) };
  const tell = (error: unknown) =>
    input.report({ type: 'warning', target: 'runs', text: error instanceof Error ? error.message : String(error) });
  return readingDepot(
    input,
    async (session) => {
      // Of a served depot the runs are asked for; whoever saves one first has it.
      const queue = typeof location === 'string' ? await openRunQueue(location, database, tell) : null;
      const isAlone = typeof location === 'string' && queue === null;
      const look = Math.min(isAlone ? LOOK : LOOK_SHARED, milliseconds / 2);
      return workOnRuns(session, { abreast: jobs, lease: milliseconds, look, once, queue });
    },
    impatient,
  );
}
