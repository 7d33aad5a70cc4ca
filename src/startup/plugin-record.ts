import { Plugin } from '@oclif/core';

/** What oclif knows of a plugin once it has loaded it, as plain data: one entry of the plugin index. */
export interface PluginRecord {
  name: string;
  alias: string;
  version: string;
  /** Absolute, but relative to d3's own folder for what comes with d3. */
  root: string;
  /** `core` comes with d3; `user` was installed, `link` linked. */
  type: string;
  isRoot: boolean;
  tag: string | null;
  url: string | null;
  moduleType: 'commonjs' | 'module';
  pjson: Plugin['pjson'];
  hooks: Plugin['hooks'];
  /** How oclif finds the plugin's commands. */
  discovery: unknown;
  manifest: Plugin['manifest'];
  /** What was wrong while it was loaded; what could be used of it is in the record all the same. */
  problems: string[];
  /** Files and folders the record was made from, and how they were then. */
  stamps: Record<string, string | null>;
}

/** Of package.json, what oclif and plugins look at while d3 runs. */
const KEPT = ['name', 'version', 'description', 'type', 'bugs', 'repository', 'homepage', 'dependencies', 'oclif'];

/** Fields oclif keeps to itself, set here because `load()` would read the disk for them. */
interface Hidden {
  commandDiscoveryOpts?: unknown;
  flexibleTaxonomy?: boolean;
}

export function recordOf(plugin: Plugin, problems: readonly string[] = []): PluginRecord {
  const { name, alias, version, root, type, isRoot, tag = null, moduleType, hooks, manifest, options } = plugin;
  const pjson = Object.fromEntries(KEPT.flatMap((key) => (key in plugin.pjson ? [[key, plugin.pjson[key]]] : [])));
  return {
    name,
    alias,
    version,
    root,
    type,
    isRoot,
    tag,
    url: options.url ?? null,
    moduleType,
    pjson: pjson as Plugin['pjson'],
    hooks,
    discovery: (plugin as unknown as Hidden).commandDiscoveryOpts ?? null,
    manifest,
    problems: [...problems],
    stamps: {},
  };
}

/** A plugin as oclif's own `load()` leaves it, without a look at the disk. */
export function pluginFrom(record: PluginRecord): Plugin {
  const { name, alias, root, type, isRoot, tag, url, pjson, manifest } = record;
  const plugin = new Plugin({ name, root, type, isRoot, tag: tag ?? undefined, url: url ?? undefined });
  const hidden: Hidden = {
    commandDiscoveryOpts: record.discovery ?? undefined,
    flexibleTaxonomy: pjson.oclif.flexibleTaxonomy ?? false,
  };
  return Object.assign(plugin, hidden, {
    name,
    alias,
    root,
    type,
    isRoot,
    tag: tag ?? undefined,
    version: record.version,
    moduleType: record.moduleType,
    pjson,
    hooks: record.hooks,
    manifest,
    hasManifest: true,
    valid: true,
    commandIDs: Object.keys(manifest.commands),
    commands: Object.entries(manifest.commands)
      .map(([id, command]) => ({
        ...command,
        load: async () => await plugin.findCommand(id, { must: true }),
        pluginAlias: alias,
        pluginType: type,
      }))
      .sort((a, b) => (a.id < b.id ? -1 : 1)),
  }) as Plugin;
}
