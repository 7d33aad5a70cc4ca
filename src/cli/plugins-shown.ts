import { ownProgramPaths } from '../platform/paths.ts';
import { type ShownPlugin, shownPlugins } from '../plugins/shown.ts';
import type { Installation } from '../startup/installation.ts';

/** The plugins of whoever calls. */
export function shownHere(
  installation: Installation,
  version: string,
  options: { core: boolean },
): Promise<ShownPlugin[]> {
  return shownPlugins(ownProgramPaths().plugins, installation, version, options);
}
