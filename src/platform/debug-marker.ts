import { lstatSync } from 'node:fs';
import type { MachinePaths } from './paths.ts';

/**
 * Whether a machine is marked for debugging: every d3 on it then behaves as with --debug, also those that policies start.
 * The marker is an empty file that root, or the owner of a root folder, puts into d3's own state; anybody else's counts for
 * nothing, and so does a link.
 */
export function isMarkedForDebugging({ debugMarker }: MachinePaths): boolean {
  try {
    const stat = lstatSync(debugMarker, { throwIfNoEntry: false });
    return stat?.isFile() === true && (stat.uid === 0 || stat.uid === process.getuid?.());
  } catch {
    // A root that is none, or that may not be looked into, is told of by the command itself.
    return false;
  }
}
