import path from 'node:path';
import { D3Error } from '@d3/sdk';
import { writeNewFolder } from '../platform/plugin-store.ts';
import { type Claims, refuseTaken } from './claims.ts';
import { isPackageName } from './fetch.ts';
import { pluginTemplate } from './template.ts';

export interface CreatedPlugin {
  name: string;
  folder: string;
  command: string;
  /** Below the folder. */
  files: string[];
}

/**
 * Makes a plugin that works, to be changed into what is wanted.
 * @param folder absolute; must not be there
 * @throws D3Error usage for a name that is none, refused for one that is d3's and for a folder that is there
 */
export function createPlugin(
  name: string,
  folder: string,
  { core, d3, dryRun }: { core: readonly Claims[]; d3: string; dryRun: boolean },
): CreatedPlugin {
  if (!isPackageName(name) || name !== name.toLowerCase()) {
    throw new D3Error('NO_NAME', 'usage', `"${name}" is no name for a plugin.`, {
      target: name,
      actions: ['Give a name as npm has them, such as d3-night or @acme/d3-night.'],
    });
  }
  const command = commandOf(name);
  refuseTaken({ name, commands: [command] }, core, []);
  const files = pluginTemplate({ name, command, d3: `>=${d3}` });
  if (!dryRun && !writeNewFolder(folder, files)) {
    throw new D3Error('FOLDER_EXISTS', 'refused', `${folder} is there already, and is left as it is.`, {
      target: folder,
      actions: ['Give another place: --dir DIR'],
    });
  }
  return { name, folder, command, files: Object.keys(files).sort() };
}

/** `@acme/d3-plugin-night` has the command `night`. */
function commandOf(name: string): string {
  const bare = path.basename(name).replace(/^(?:d3-)?(?:plugin-)?/, '');
  return bare.replaceAll(/[^a-z0-9-]+/g, '-').replaceAll(/^-+|-+$/g, '') || 'hello';
}
