import type { Plugin } from '@oclif/core';
import { ownProgramPaths } from '../platform/paths.ts';
import type { Installation } from './installation.ts';
import { installedPlugins } from './installed-plugins.ts';
import { ownPlugins } from './own-plugins.ts';
import { type PluginRecord, pluginFrom } from './plugin-record.ts';

/** Every plugin of this start, ready for oclif. */
export interface FoundPlugins {
  root: string;
  /** Where plugins are installed. */
  folder: string;
  plugins: Map<string, Plugin>;
  /** What is left out, and why. */
  warnings: string[];
}

/** What is left of d3 in safe mode, besides itself. */
const OCLIF = '@oclif/';

/** D3_SAFE_MODE=1: d3 itself and oclif's own plugins, none of the house and none that was installed. */
export function isSafeMode(env: Readonly<Record<string, string | undefined>>): boolean {
  return env['D3_SAFE_MODE'] === '1';
}

/** Finds the plugins by the plugin index; by oclif's own loader where there is none that holds. */
export async function findPlugins(
  installation: Installation,
  env: Readonly<Record<string, string | undefined>>,
): Promise<FoundPlugins> {
  const folder = ownProgramPaths().plugins;
  const safe = isSafeMode(env);
  const all = await ownPlugins(installation);
  const own = safe ? all.filter(({ isRoot, name }) => isRoot || name.startsWith(OCLIF)) : all;
  const host = all[0] as Plugin;
  const { records, refused } = safe
    ? { records: [], refused: null }
    : await installedPlugins(folder, installation, host.version);

  const warnings = refused === null ? [] : [`The plugins in ${folder} are left out: ${refused}.`];
  const names = new Set(all.map(({ name }) => name));
  const others = records.filter(({ name }) => !names.has(name));
  for (const { name } of records.filter((record) => names.has(record.name))) {
    warnings.push(`The installed plugin ${name} is left out: it has the name of one that comes with d3.`);
  }
  for (const record of others.filter(({ problems }) => problems.length > 0)) warnings.push(problemText(record));
  // oclif's order: the host, what was installed, what was linked, what comes with the host.
  const ordered = [
    host,
    ...others.filter(({ type }) => type === 'user').map(pluginFrom),
    ...others.filter(({ type }) => type === 'link').map(pluginFrom),
    ...own.slice(1),
  ];
  const plugins = new Map(ordered.map((plugin) => [plugin.name, plugin]));
  return { root: installation.root, folder, plugins, warnings };
}

function problemText({ name, problems }: PluginRecord): string {
  return `The plugin ${name} is broken: ${problems.join('; ')}. "d3 doctor" tells more.`;
}
