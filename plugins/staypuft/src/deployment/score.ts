import { type Part, type Parts, partId, type Score } from '../rules/conduct.ts';
import type { DeploymentRun, Outcome } from '../types.ts';

/** What a run goes by, without where it is kept. */
export function scoreOf({ roles, hosts, abreast }: DeploymentRun): Score {
  return { roles, hosts, abreast };
}

/** How the hosts of a run ended, by their names: those that are released, and those something failed on. */
export function outcomesOf(score: DeploymentRun, run: string, parts: Parts, at: string): ReadonlyMap<string, Outcome> {
  const found = new Map<string, Outcome>();
  for (const [index, { host }] of score.hosts.entries()) {
    const part = (phase: 'prepare' | 'role' | 'release'): Part | undefined => parts.get(partId(run, index, phase));
    const own = [part('prepare'), part('role'), part('release')];
    const failed = own.find((one) => one?.state === 'failed' || one?.state === 'holding');
    if (failed !== undefined) found.set(host, { state: 'failed', run, at, text: failed.text });
    else if (part('release')?.state === 'done') found.set(host, { state: 'released', run, at, text: '' });
  }
  return found;
}
