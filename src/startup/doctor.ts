import { lstatSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { D3Error } from '@d3/sdk';
import { ownProgramPaths } from '../platform/paths.ts';
import { whyNotPrivate } from '../platform/trusted-folder.ts';
import type { Installation } from './installation.ts';
import { askProbe, installedIndexProblem, readIndex, renewIndex } from './installed-plugins.ts';
import { ownIndexProblem, ownPlugins } from './own-plugins.ts';
import { folderOf, LOCK_FILE, listedPlugins, lockProblem } from './plugin-list.ts';
import { isSafeMode } from './plugins.ts';
import type { ProbeRequest } from './probe.ts';

/** What `d3 doctor` found. Every `problem` is null where all is well. */
export interface Examination {
  node: { version: string; file: string; problem: string | null };
  /** D3_SAFE_MODE=1: no plugins are in use. They are examined all the same. */
  safeMode: boolean;
  plugins: ExaminedPlugin[];
  /** What lists the installed plugins, and pins them. */
  lock: { file: string; problem: string | null };
  /** The setting that says what may be installed. */
  allowList: { problem: string | null };
  /** What spares d3 to look at every plugin on every start. */
  index: { folder: string; problem: string | null };
  compileCache: { folder: string; bytes: number; problem: string | null };
}

/** What is known of installed plugins besides whether they load. */
export interface PluginStandings {
  /** What stands against each, by name. */
  against: ReadonlyMap<string, readonly string[]>;
  /** What is wrong with the list of what is allowed, or null. */
  allowListProblem: string | null;
}

interface ExaminedPlugin {
  name: string;
  version: string;
  /** `core` comes with d3. */
  type: 'core' | 'user' | 'link';
  folder: string;
  problem: string | null;
}

/** Looks at d3 itself, without running any code of a plugin in this process. */
export async function examine(
  installation: Installation,
  d3: string,
  env: Readonly<Record<string, string | undefined>>,
  standings: PluginStandings,
): Promise<Examination> {
  const folders = ownProgramPaths();
  const examined = await examinePlugins(installation, folders.plugins);
  // A plugin the index leaves out as broken may have been mended where the index does not look.
  const known = readIndex(folders.plugins, d3) ?? [];
  const mended = known.some(({ name, problems }) => problems.length > 0 && isWell(name, examined));
  if (mended) await renewIndex(folders.plugins, installation, d3);
  const plugins = examined.map((plugin) => {
    const problems = [plugin.problem, ...(standings.against.get(plugin.name) ?? [])].filter((one) => one !== null);
    return plugin.type === 'core' || problems.length === 0 ? plugin : { ...plugin, problem: problems.join('; ') };
  });
  return {
    lock: { file: path.join(folders.plugins, LOCK_FILE), problem: lockProblem(folders.plugins) },
    allowList: { problem: standings.allowListProblem },
    node: { version: process.versions.node, file: process.execPath, problem: nodeProblem(process.versions.node) },
    safeMode: isSafeMode(env),
    plugins,
    index: {
      folder: folders.plugins,
      problem: ownIndexProblem(installation) ?? installedIndexProblem(folders.plugins, d3),
    },
    compileCache: examineCache(folders.compileCache),
  };
}

function isWell(name: string, plugins: readonly ExaminedPlugin[]): boolean {
  return plugins.some((plugin) => plugin.name === name && plugin.problem === null);
}

/** As errors, with what to do next. */
export function problemsOf(
  { node, plugins, lock, allowList, index, compileCache }: Examination,
  root: string,
): D3Error[] {
  const errors: D3Error[] = [];
  const add = (code: string, problem: string | null, what: string, target: string, actions: string[]) => {
    if (problem !== null) errors.push(new D3Error(code, 'failed', `${what}: ${problem}`, { target, actions }));
  };
  add('NODE_UNSUPPORTED', node.problem, 'Node is not one d3 was made for', node.file, [
    `Start d3 by ${root}/bin/d3, which uses the Node that came with it.`,
  ]);
  for (const { name, type, folder, problem } of plugins) {
    const mend = type === 'link' ? `Mend what lies in ${folder}, or:` : 'Install it again, or:';
    const remove = `${mend} d3 plugins uninstall ${name}`;
    add('PLUGIN_BROKEN', problem, `the plugin ${name} is not right`, name, [
      type === 'core' ? `Install d3 anew: it came with it, in ${folder}.` : remove,
    ]);
  }
  add('LOCK_BROKEN', lock.problem, 'the list of installed plugins cannot be used', lock.file, [
    'Put it right, or remove all plugins: d3 plugins reset',
  ]);
  add('ALLOW_LIST_WRONG', allowList.problem, 'what plugins may be installed is not known', 'plugins.allow', [
    'see all of it: d3 config validate',
  ]);
  add('INDEX_OLD', index.problem, 'the plugin index does not hold, so d3 starts slowly', index.folder, [
    `Make ${index.folder} writable for whoever runs d3, or run "npm run build" in ${root}.`,
  ]);
  add('CACHE_UNSAFE', compileCache.problem, 'the compile cache is not used', compileCache.folder, [
    `Remove ${compileCache.folder}; d3 makes a new one.`,
  ]);
  return errors;
}

async function examinePlugins(installation: Installation, folder: string): Promise<ExaminedPlugin[]> {
  const own = (await ownPlugins(installation)).filter(({ isRoot }) => !isRoot);
  const common = { installation, purpose: 'load' as const };
  const requests: [ProbeRequest, ExaminedPlugin][] = [
    ...own.map(({ name, root, version }): [ProbeRequest, ExaminedPlugin] => [
      { ...common, name, root, type: 'core', tag: null, url: null },
      { name, version, type: 'core', folder: root, problem: null },
    ]),
    ...listedPlugins(folder).map((plugin): [ProbeRequest, ExaminedPlugin] => [
      { ...common, ...plugin, root: plugin.root ?? folder },
      { name: plugin.name, version: 'unknown', type: plugin.type, folder: folderOf(plugin, folder), problem: null },
    ]),
  ];
  const examined: ExaminedPlugin[] = [];
  const waiting = requests.entries();
  const worker = async (): Promise<void> => {
    for (const [at, [request, plugin]] of waiting) {
      const { record, problems } = await askProbe(request);
      const problem = problems.length === 0 ? null : problems.join('; ');
      examined[at] = { ...plugin, version: record?.version ?? plugin.version, problem };
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return examined;
}

function examineCache(folder: string): Examination['compileCache'] {
  if (lstatSync(folder, { throwIfNoEntry: false }) === undefined) return { folder, bytes: 0, problem: null };
  const problem = whyNotPrivate(folder);
  return { folder, bytes: problem === null ? sizeOf(folder) : 0, problem };
}

function sizeOf(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce(
      (sum, entry) => sum + (lstatSync(path.join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0),
      0,
    );
}

/** As `engines.node` in package.json says: ^24.15.0 || >=26. */
function nodeProblem(version: string): string | null {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major >= 26 || (major === 24 && minor >= 15) ? null : `it is ${version}, and not 24.15 or 26 or newer`;
}
