import { partOf } from '../rules/conduct.ts';
import { scoreOfRun } from './decide.ts';
import { isSame } from './fates.ts';
import { lastRun, type RunPorts } from './run.ts';

/** What was said. A type, so that it is JSON. */
export type Logged = {
  deployment: string;
  run: string;
  /** `host`: null for the deployment itself. */
  lines: { at: string; host: string | null; phase: string | null; text: string }[];
};

/** What was said in the newest run, of all hosts or of one, in order. */
export async function logOf(name: string, host: string | null, ports: RunPorts): Promise<Logged> {
  const { admin } = ports;
  const { name: deployment, run } = await lastRun(name, ports);
  const score = await scoreOfRun(admin, run.id);
  const lines: Logged['lines'] = [];
  if (host === null)
    for (const { at, text } of await admin.runs.log(run.id)) lines.push({ at, host: null, phase: null, text });
  for (const { id } of await admin.runs.family(run.id)) {
    const part = partOf(run.id, id);
    const who = part === null ? undefined : score.hosts[part.index]?.host;
    if (part === null || who === undefined || (host !== null && !isSame(who, host))) continue;
    for (const { at, text } of await admin.runs.log(id)) lines.push({ at, host: who, phase: part.phase, text });
  }
  return { deployment, run: run.id, lines: lines.toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0)) };
}
