import { readFileSync } from 'node:fs';
import path from 'node:path';
import { stampOf } from './stamps.ts';

/** A plugin that is installed or linked. */
export interface ListedPlugin {
  name: string;
  type: 'user' | 'link';
  /** For oclif: the folder of a linked plugin; a file beside the `node_modules` an installed one lies in. */
  root: string | null;
  tag: string | null;
  url: string | null;
}

/** An installed plugin as the lock has it: pinned to one content. */
export interface LockedPlugin {
  type: 'user';
  name: string;
  version: string;
  /** What was asked for: `d3-night@^1`, a file, an address. An update asks for it again. */
  asked: string;
  source: 'registry' | 'file' | 'folder' | 'url' | 'git';
  /** SHA-512 of the package it came in, as npm writes it; null for what was installed before there was a lock. */
  integrity: string | null;
  /** SHA-256 of all that was laid down, dependencies included. */
  files: string | null;
  /** The entry of the allow list that let it in; null where everything was allowed. */
  allowedBy: string | null;
  /** Below the plugin folder; the plugin lies in its `node_modules`. */
  folder: string;
}

export interface LockedLink {
  type: 'link';
  name: string;
  version: string;
  allowedBy: string | null;
  /** Absolute. */
  root: string;
}

/** What is installed: the truth, changed by one rename. */
export interface PluginLock {
  schema: typeof LOCK_SCHEMA;
  plugins: (LockedPlugin | LockedLink)[];
  /** Folders of what was replaced last: who runs now may still read them. */
  superseded: string[];
}

export const LOCK_SCHEMA = 'd3/plugins-lock@1';
export const LOCK_FILE = 'd3.plugins.lock';
/** What spares every start to look at each of them. */
export const INDEX_FILE = 'plugins.index.json';

/** Where everything that d3 installs lies, each in a folder of its own that is never changed. */
export const STORE = 'store';
const IN_STORE = /^store\/[0-9a-f-]{36}$/;
const MOST_BYTES = 4 * 1024 * 1024;

/** What lists the plugins of a folder: the lock, or, until the first change, what oclif's own installer left there. */
export function listFile(folder: string): string {
  const lock = path.join(folder, LOCK_FILE);
  return stampOf(lock) === null ? path.join(folder, 'package.json') : lock;
}

/** @throws Error when the lock cannot be read, or is none */
export function readLock(folder: string): PluginLock | null {
  let text: string;
  try {
    text = readFileSync(path.join(folder, LOCK_FILE), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  return lockIn(text);
}

/** Why the list of what is installed cannot be used, or null. */
export function lockProblem(folder: string): string | null {
  try {
    readLock(folder);
    return null;
  } catch (error) {
    return `${LOCK_FILE} cannot be read: ${(error as Error).message.split('\n')[0]}`;
  }
}

/** @throws Error that says what is wrong with it */
function lockIn(text: string): PluginLock {
  if (text.length > MOST_BYTES) throw new Error('it is too large');
  const lock = JSON.parse(text) as Partial<PluginLock> | null;
  if (lock === null || typeof lock !== 'object') throw new Error('it is no list of plugins');
  if (lock.schema !== LOCK_SCHEMA) throw new Error(`its schema is ${String(lock.schema)}, not ${LOCK_SCHEMA}`);
  const { plugins, superseded } = lock;
  if (!Array.isArray(plugins) || !plugins.every(isLocked)) throw new Error('it names something that is no plugin');
  if (new Set(plugins.map(({ name }) => name)).size < plugins.length) throw new Error('it names a plugin twice');
  if (!Array.isArray(superseded) || !superseded.every((one) => typeof one === 'string' && IN_STORE.test(one))) {
    throw new Error('what it says of replaced folders is not right');
  }
  return { schema: LOCK_SCHEMA, plugins, superseded };
}

function isLocked(plugin: unknown): plugin is LockedPlugin | LockedLink {
  const { name, version, type, folder, root } = (plugin ?? {}) as Partial<LockedPlugin & { root: string }>;
  if (typeof name !== 'string' || name === '' || typeof version !== 'string') return false;
  if ((type as string) === 'link') return typeof root === 'string' && path.isAbsolute(root);
  // `.` is where oclif's own installer put everything.
  return type === 'user' && typeof folder === 'string' && (folder === '.' || IN_STORE.test(folder));
}

/** What is listed; nothing where the list cannot be read, which `d3 doctor` tells. */
export function listedPlugins(folder: string): ListedPlugin[] {
  try {
    const lock = readLock(folder);
    return lock === null ? byOclif(folder) : lock.plugins.map((plugin) => listed(plugin, folder));
  } catch {
    return [];
  }
}

function listed(plugin: LockedPlugin | LockedLink, folder: string): ListedPlugin {
  const { name, type } = plugin;
  const root = plugin.type === 'link' ? plugin.root : path.join(folder, plugin.folder, 'package.json');
  return { name, type, root, tag: null, url: null };
}

/** What the data folder's package.json lists, as oclif reads it. */
function byOclif(folder: string): ListedPlugin[] {
  const pjson = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as {
    oclif?: { plugins?: unknown };
  };
  const plugins = Array.isArray(pjson.oclif?.plugins) ? (pjson.oclif.plugins as unknown[]) : [];
  return plugins.flatMap((entry) => {
    const {
      name,
      type = 'user',
      root = null,
      tag = null,
      url = null,
    } = (typeof entry === 'string' ? { name: entry } : (entry ?? {})) as Partial<ListedPlugin>;
    if (typeof name !== 'string' || (type === 'link' && root === null)) return [];
    return [{ name, type, root: type === 'link' ? root : path.join(folder, 'package.json'), tag, url }];
  });
}

/** Where a listed plugin lies. */
export function folderOf({ name, type, root }: ListedPlugin, folder: string): string {
  if (type === 'link' && root !== null) return root;
  return path.join(root === null ? folder : path.dirname(root), 'node_modules', name);
}
