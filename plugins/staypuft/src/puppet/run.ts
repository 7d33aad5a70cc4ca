import type { Remote, Target } from '../ssh-port.ts';
import { endOf, markOf, type PuppetEnd, Said } from './said.ts';
import { type PuppetRunOptions, puppetScript } from './script.ts';

export interface PuppetRun {
  /** Id of the work on the host: with the same one it is found again after a cut. */
  id: string;
  options: PuppetRunOptions;
  /** Seconds. */
  timeout: number;
  onLine: (line: string) => void;
}

/**
 * One run of Puppet on a host, from its beginning to its report; or its end, when it was begun before a cut.
 * @throws D3Error as {@link Remote} does
 */
export async function runPuppet(
  remote: Remote,
  target: Target,
  { id, options, timeout, onLine }: PuppetRun,
  signal: AbortSignal,
): Promise<PuppetEnd> {
  const mark = markOf(id);
  const said = new Said(mark, onLine);
  const work = { id, script: puppetScript(mark, options), timeout, onLine: (line: string) => said.take(line) };
  return endOf(mark, await remote.work(target, work, signal), said);
}
