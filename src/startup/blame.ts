import { realpathSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { D3Error } from '@d3/sdk';
import type { Plugin } from '@oclif/core';

/** An unexpected error made one of the plugin whose code it came out of; any other is given back as it is. */
export function blamed(error: unknown, plugins: readonly Plugin[]): unknown {
  if (!(error instanceof Error) || error instanceof D3Error || 'oclif' in error) return error;
  const stack = error.stack ?? '';
  const plugin = plugins.find(({ type, root }) => type !== 'core' && placesOf(root).some((at) => stack.includes(at)));
  if (plugin === undefined) return error;
  return new D3Error('PLUGIN_FAILED', 'bug', `The plugin ${plugin.name} failed: ${error.message}`, {
    target: plugin.name,
    actions: [
      `D3_SAFE_MODE=1 leaves all plugins out, and "d3 plugins uninstall ${plugin.name}" removes this one.`,
      '"d3 doctor" tells more.',
    ],
    cause: error,
  });
}

/** How a folder is named in a stack. */
function placesOf(root: string): string[] {
  let real = root;
  try {
    real = realpathSync(root);
  } catch {
    // It is gone; its name may still be in the stack.
  }
  return [root, real].flatMap((place) => [`${place}/`, `${pathToFileURL(place).href}/`]);
}
