import { statSync } from 'node:fs';
import path from 'node:path';
import { D3Error } from '@d3/sdk';
import { type MachinePaths, machinePaths } from '../platform/paths.ts';
import { whereIs } from '../platform/rootfs.ts';
import type { Inputs } from './inputs.ts';

/**
 * Where the machine's things are, for whoever may change them.
 * @throws D3Error usage when there is no such root folder, refused when a link would take d3's own files out of it, or could
 *   where this user may not look
 */
export function pathsWithin({ root }: Pick<Inputs, 'root'>): MachinePaths {
  if (!statSync(root, { throwIfNoEntry: false })?.isDirectory()) {
    throw new D3Error('NO_ROOT', 'usage', `There is no folder at ${root} to work on.`, {
      target: '--root',
      actions: [`make it first: mkdir -p ${root}`],
    });
  }
  const paths = machinePaths(root, process.platform);
  for (const place of written(paths)) {
    const where = whereIs(root, place);
    if (where === 'outside') throw leavesRoot(root, place);
    if (where === 'unseen') throw unseenIn(root, place);
  }
  return paths;
}

function leavesRoot(root: string, place: string): D3Error {
  return new D3Error('ROOT_LEAVES', 'refused', `A link leads ${place} out of the root ${root}.`, {
    target: place,
    actions: ['make the link relative, so that it stays within the root'],
  });
}

function unseenIn(root: string, place: string): D3Error {
  return new D3Error(
    'ROOT_UNSEEN',
    'notAuthorised',
    `You may not look into a folder on the way to ${place}, whose owner could lead it out of the root ${root}.`,
    { target: place, actions: ['run the command as root, or as the owner of --root'] },
  );
}

/** All that d3 writes for itself: what it opens where it stands, and the folders of what it puts in place by a rename. */
function written(paths: MachinePaths): string[] {
  const { state, stateDatabase, runLock, nestedLocks, owners, trust, scripts, work, plugins, packages, log, self } =
    paths;
  const renamed = [...paths.config, self.link, paths.launchDaemon, paths.resumeDaemon].map((file) =>
    path.dirname(file),
  );
  const opened = [stateDatabase, runLock, ...nestedLocks, log];
  const units = [paths.systemdUnits, paths.launchAgents];
  return [state, owners, trust, scripts, work, plugins, packages, self.versions, ...opened, ...renamed, ...units];
}
