import path from 'node:path';
import { D3Error } from '@d3/sdk';
import type { PluginStore } from '../platform/plugin-store.ts';
import {
  folderOf,
  INDEX_FILE,
  LOCK_FILE,
  LOCK_SCHEMA,
  type LockedLink,
  type LockedPlugin,
  listedPlugins,
  type PluginLock,
  readLock,
} from '../startup/plugin-list.ts';
import { manifestIn } from './manifest.ts';

export type Locked = LockedPlugin | LockedLink;

/**
 * What is installed, for whoever changes it; what oclif's own installer left is taken over as it is.
 * @throws D3Error failed `LOCK_BROKEN` when the list cannot be read: writing a new one would lose what is in it
 */
export function lockOf(folder: string): PluginLock {
  try {
    return readLock(folder) ?? { schema: LOCK_SCHEMA, plugins: takenOver(folder), superseded: [] };
  } catch (error) {
    throw new D3Error('LOCK_BROKEN', 'failed', `${LOCK_FILE} cannot be read: ${(error as Error).message}.`, {
      target: path.join(folder, LOCK_FILE),
      actions: ['Put it right, or remove all plugins: d3 plugins reset'],
      cause: error,
    });
  }
}

function takenOver(folder: string): Locked[] {
  return listedPlugins(folder).map((plugin): Locked => {
    const root = folderOf(plugin, folder);
    const { name } = plugin;
    const version = manifestIn(root)?.version ?? 'unknown';
    if (plugin.type === 'link') return { type: 'link', name, version, allowedBy: null, root };
    const { tag, url } = plugin;
    return {
      type: 'user',
      name,
      version,
      asked: url ?? (tag === null ? name : `${name}@${tag}`),
      source: url === null ? 'registry' : 'url',
      integrity: null,
      files: null,
      allowedBy: null,
      folder: '.',
    };
  });
}

/** Puts a plugin in the place of the one of its name: the one moment at which it is installed. */
export function commitPlugin(store: PluginStore, lock: PluginLock, plugin: Locked): PluginLock {
  const at = lock.plugins.findIndex(({ name }) => name === plugin.name);
  const plugins = at === -1 ? [...lock.plugins, plugin] : lock.plugins.with(at, plugin);
  return written(store, lock, plugins);
}

export function dropPlugins(store: PluginStore, lock: PluginLock, names: readonly string[]): PluginLock {
  return written(
    store,
    lock,
    lock.plugins.filter(({ name }) => !names.includes(name)),
  );
}

/** Folders that are no longer named stay until the next change: a sync that runs now may still read them. */
function written(store: PluginStore, lock: PluginLock, plugins: Locked[]): PluginLock {
  const now = new Set(foldersOf(plugins));
  const superseded = foldersOf(lock.plugins).filter((folder) => !now.has(folder));
  const next: PluginLock = { schema: LOCK_SCHEMA, plugins, superseded };
  store.replaceList(LOCK_FILE, `${JSON.stringify(next, null, 2)}\n`);
  return next;
}

function foldersOf(plugins: readonly Locked[]): string[] {
  return plugins.flatMap((plugin) => (plugin.type === 'user' && plugin.folder !== '.' ? [plugin.folder] : []));
}

/** Takes away what nothing names: what was cut before it was installed, and what was replaced before the last change. */
export function sweep(store: PluginStore, lock: PluginLock): void {
  store.sweep([...foldersOf(lock.plugins), ...lock.superseded], [`.${LOCK_FILE}.`, `${INDEX_FILE}.`]);
}
