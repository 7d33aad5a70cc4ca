import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Plugin } from '@oclif/core';
import { replaceFile } from '../platform/replace-file.ts';
import type { Installation } from './installation.ts';
import { type PackedRecords, pack, unpack } from './packed-records.ts';
import { type PluginRecord, pluginFrom, recordOf } from './plugin-record.ts';

/** The part of the plugin index that is written by the build: d3 itself and the plugins that come with it. */
interface OwnIndex {
  schema: typeof SCHEMA;
  /** The version of d3 it was written for. */
  d3: string;
  records: PackedRecords;
}

const SCHEMA = 'd3/own-plugins@1';

type Pjson = Plugin['pjson'];

function indexFile(root: string): string {
  return path.join(root, 'dist', 'plugins.index.json');
}

/** d3 itself, first, and the plugins that come with it in the order package.json lists them. */
export async function ownPlugins(installation: Installation): Promise<Plugin[]> {
  const records = installation.code === 'bundle' ? readIndex(installation.root) : null;
  return records?.map(pluginFrom) ?? loadByOclif(installation);
}

/** Whether the index was written for this very d3, so that it starts without oclif's own loader. */
export function ownIndexProblem({ root, code }: Installation): string | null {
  if (code === 'sources') return null;
  return readIndex(root) === null ? 'it is missing, or of another d3' : null;
}

function readIndex(root: string): PluginRecord[] | null {
  let index: OwnIndex;
  try {
    index = JSON.parse(readFileSync(indexFile(root), 'utf8')) as OwnIndex;
  } catch {
    return null;
  }
  if (index.schema !== SCHEMA || index.d3 !== readPjson(root).version) return null;
  const records = unpack(index.records).map((record) => ({ ...record, root: path.join(root, record.root) }));
  // npm may have put the plugins elsewhere than the build found them.
  return records.every((record) => existsSync(record.root)) ? records : null;
}

/** Written by the build. @returns how many plugins are in it */
export async function writeOwnIndex(root: string): Promise<number> {
  const plugins = await loadByOclif({ root, code: 'bundle' });
  const index: OwnIndex = {
    schema: SCHEMA,
    d3: readPjson(root).version,
    records: pack(
      plugins.map((plugin) => {
        const record = inOrder(recordOf(plugin));
        const own = plugin.isRoot ? bundled(record) : record;
        return { ...own, root: path.relative(root, own.root) };
      }),
    ),
  };
  replaceFile(indexFile(root), JSON.stringify(index));
  return plugins.length;
}

/** The loader lists commands as they happened to be read: what is built twice is to be the same. */
function inOrder(record: PluginRecord): PluginRecord {
  const commands = Object.entries(record.manifest.commands).sort(([a], [b]) => (a < b ? -1 : 1));
  return { ...record, manifest: { ...record.manifest, commands: Object.fromEntries(commands) } };
}

/** The host's own commands run from the bundle. */
function bundled(record: PluginRecord): PluginRecord {
  const commands = Object.entries(record.manifest.commands).map(([id, command]) => {
    const file = (command.relativePath ?? []).join('/').replace(/^dist\/(.+)\.js$/, 'dist/bundle/$1.cjs');
    return [id, { ...command, isESM: false, relativePath: file.split('/') }];
  });
  return { ...record, manifest: { ...record.manifest, commands: Object.fromEntries(commands) } };
}

/** The long way, by oclif's own loader: without an index, and while d3 runs from its sources. */
export async function loadByOclif({ root, code }: Installation): Promise<Plugin[]> {
  const sources = code === 'sources';
  const pjson = sources ? fromSources(readPjson(root)) : readPjson(root);
  const host = new Plugin({ root, isRoot: true, pjson, ignoreManifest: sources && !manifestFits(root) });
  await host.load();
  if (sources) runSources(host);
  const listed = (pjson.oclif.plugins ?? []).filter((name) => pjson.dependencies?.[name] !== undefined);
  const plugins = await Promise.all(
    listed.map(async (name) => {
      const folder = path.join(root, 'node_modules', name);
      // Plugins of the house run from their sources too; those of others have none here.
      const inHouse = sources && existsSync(path.join(folder, 'src'));
      const plugin = new Plugin({
        name,
        root,
        type: 'core',
        ...(inHouse ? { pjson: fromSources(readPjson(folder)), ignoreManifest: true } : {}),
      });
      await plugin.load();
      return plugin;
    }),
  );
  return [host, ...plugins];
}

function readPjson(folder: string): Pjson {
  return JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as Pjson;
}

/** package.json names what is built; here the sources stand in for it. */
export function fromSources(pjson: Pjson): Pjson {
  const text = JSON.stringify(pjson.oclif).replaceAll('./dist/', './src/');
  const oclif = JSON.parse(text.replaceAll(/"(\.\/src\/[^"]+)\.js"/g, '"$1.ts"')) as Pjson['oclif'];
  if (typeof oclif.helpClass === 'string') oclif.helpClass += '.ts';
  return { ...pjson, oclif };
}

/** The manifest spares importing every command, as long as it lists those there are. */
function manifestFits(root: string): boolean {
  const file = path.join(root, 'oclif.manifest.json');
  if (!existsSync(file)) return false;
  const { commands } = JSON.parse(readFileSync(file, 'utf8')) as Plugin['manifest'];
  const listed = Object.values(commands).map(sourceFile);
  const present = globSync('src/commands/**/*.ts', { cwd: root });
  return listed.sort().join() === present.sort().join();
}

/** The manifest names compiled files. */
function runSources(plugin: Plugin): void {
  for (const command of [...Object.values(plugin.manifest.commands), ...plugin.commands]) {
    command['relativePath'] = sourceFile(command).split('/');
  }
}

function sourceFile({ relativePath }: { relativePath?: string[] | undefined }): string {
  return (relativePath ?? []).join('/').replace(/^dist\/(.+)\.js$/, 'src/$1.ts');
}
