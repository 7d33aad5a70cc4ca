import type { Parts } from './parts.ts';
import { type Status, shown } from './status.ts';

/** What is kept of a deployment when all else is gone. */
export interface Report extends Status {
  schema: 'd3/provision-report@1';
  computer: string | null;
  serial: string | null;
  name: string;
}

/** Its name in the plugin's own folder. */
const FILE = 'last-deployment.json';

/** Writes down what ran, how long, what failed and who decided what; the one before is replaced. */
export async function writeReport({ memory, ports }: Parts, run: string): Promise<void> {
  const [here, { computer, serial, name }] = await Promise.all([ports.runs.get(run), ports.machine.facts()]);
  const status = shown(memory.of(run), here, ports.clock.now());
  const report: Report = { schema: 'd3/provision-report@1', computer, serial, name, ...status };
  await ports.files.write(FILE, `${JSON.stringify(report, null, 2)}\n`);
}
