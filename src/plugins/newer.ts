import { D3Error } from '@d3/sdk';
import semver from 'semver';

/** Something that a registry may have a newer version of. */
export interface Here {
  name: string;
  version: string;
  /** What was asked for, as npm reads it: a range, a tag. */
  wanted: string;
}

/**
 * One line about what is newer than what is here, or null. Whoever cannot say what there is does not hinder anybody: the first one
 * who does not answer ends the asking.
 * @param ask for the version that would be installed now
 * @param limit after which nobody is asked any more; what was heard until then is told
 */
export async function newerLine(
  here: readonly Here[],
  ask: (one: Here) => Promise<string>,
  limit: AbortSignal,
): Promise<string | null> {
  const newer: string[] = [];
  for (const one of here) {
    try {
      const version = await ask(one);
      if (semver.valid(one.version) !== null && semver.gt(version, one.version))
        newer.push(`${one.name} ${version} (here ${one.version})`);
    } catch (error) {
      if (limit.aborted) break;
      if (!(error instanceof D3Error)) throw error;
      if (error.exit === 'depotUnreachable') break;
    }
  }
  return newer.length === 0 ? null : `Newer in the registry: ${newer.join(', ')}.`;
}
