import { shareOf, type Worked, workOnRuns } from '../admin/run-worker.ts';
import { openRunQueue } from '../depot/index.ts';
import { type AdminInput, depotHere, readingDepot } from './admin-here.ts';

/** Milliseconds between two looks at the runs: their own database is asked more often than one that many share. */
const LOOK = 1000;
const LOOK_SHARED = 3000;

/** @param lease seconds */
export async function workHere(
  input: AdminInput,
  { jobs, lease, once }: { jobs: number; lease: number; once: boolean },
): Promise<Worked> {
  const { dir, database } = await depotHere(input);
  const milliseconds = lease * 1000;
  const impatient = { ...database, answer: shareOf(milliseconds) };
  const tell = (error: unknown) =>
    input.report({ type: 'warning', target: 'runs', text: error instanceof Error ? error.message : String(error) });
  return readingDepot(
    input,
    async (session) => {
      const queue = await openRunQueue(dir, database, tell);
      const look = Math.min(queue === null ? LOOK : LOOK_SHARED, milliseconds / 2);
      return workOnRuns(session, { abreast: jobs, lease: milliseconds, look, once, queue });
    },
    impatient,
  );
}
