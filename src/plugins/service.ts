import { existsSync } from 'node:fs';
import path from 'node:path';
import { D3Error } from '@d3/sdk';
import type { PluginStore } from '../platform/plugin-store.ts';
import { LOCK_SCHEMA, type PluginLock } from '../startup/plugin-list.ts';
import { type Change, type ChangeOptions, type ChangePorts, putPlugin } from './change.ts';
import { linkPlugin } from './link.ts';
import { dropPlugins, type Locked, lockOf, sweep } from './lock.ts';
import { readSpec } from './spec.ts';

/** What changes plugins, one command at a time. */
export interface PluginServicePorts {
  store: PluginStore;
  /** Waits for whoever changes plugins now. @throws D3Error busy (41) */
  hold(): Promise<{ release(): void }>;
  /** Made anew before each change: what is installed is part of it. */
  change(): Promise<ChangePorts>;
  /** Brings the plugin index up to date. */
  renew(): Promise<void>;
}

/** How one of several targets ended. */
export type Ended<Result> = { result: Result } | { error: D3Error };

export interface Removed {
  name: string;
  version: string;
}

/** @param cwd what relative paths are relative to */
export async function installPlugins(
  asked: readonly string[],
  cwd: string,
  options: ChangeOptions,
  ports: PluginServicePorts,
): Promise<Ended<Change>[]> {
  const specs = asked.map((one) => readSpec(one, cwd));
  return await changing(ports, async (one) => {
    for (const spec of specs) await one((lock, change) => putPlugin(spec, lock, options, change));
  });
}

/** @param names which; all that are installed when there are none */
export async function updatePlugins(
  names: readonly string[],
  { dryRun }: { dryRun: boolean },
  ports: PluginServicePorts,
): Promise<Ended<Change>[]> {
  return await changing(ports, async (one, lock) => {
    for (const plugin of chosen(lock, names)) {
      const { name, version } = plugin;
      if (plugin.type === 'link' || isGone(plugin)) {
        await one(async (now) => ({ change: unchanged(name, version), lock: now }));
        continue;
      }
      const options = { dryRun, force: false, onlyNewer: true, expect: { name, integrity: null } };
      await one((now, change) => putPlugin(readSpec(plugin.asked, '/'), now, options, change));
    }
  });
}

/** Lays down again what is installed, the very same content. */
export async function repairPlugins(
  { dryRun }: { dryRun: boolean },
  ports: PluginServicePorts,
): Promise<Ended<Change>[]> {
  return await changing(ports, async (one, lock) => {
    for (const plugin of lock.plugins) {
      if (plugin.type === 'link') continue;
      const { name, version, integrity, source, asked } = plugin;
      const options = { dryRun, force: true, expect: { name, integrity } };
      const spec = source === 'registry' ? `${name}@${version}` : asked;
      await one((now, change) => putPlugin(readSpec(spec, '/'), now, options, change));
    }
  });
}

/** @param root of the plugin @param install have npm bring what it depends on */
export async function linkOne(
  root: string,
  options: { dryRun: boolean; install: boolean },
  ports: PluginServicePorts,
): Promise<Ended<Change>[]> {
  return await changing(ports, (one) => one((lock, change) => linkPlugin(root, lock, options, change)));
}

/** @param names as they are listed, or the folder of a link */
export async function uninstallPlugins(
  names: readonly string[],
  cwd: string,
  { dryRun }: { dryRun: boolean },
  ports: PluginServicePorts,
): Promise<Ended<Removed>[]> {
  return await held(ports, async () => {
    const lock = lockOf(ports.store.folder);
    const found = names.map((name) => ({ name, plugin: lock.plugins.find((one) => isCalled(one, name, cwd)) }));
    const gone = found.flatMap(({ plugin }) => (plugin === undefined ? [] : [plugin.name]));
    if (!dryRun && gone.length > 0) {
      await remove(ports, dropPlugins(ports.store, lock, gone));
    }
    return found.map(({ name, plugin }) =>
      plugin === undefined ? { error: notInstalled(name) } : { result: { name: plugin.name, version: plugin.version } },
    );
  });
}

/** Removes all plugins, whatever state their list is in. */
export async function resetPlugins({ dryRun }: { dryRun: boolean }, ports: PluginServicePorts): Promise<Removed[]> {
  return await held(ports, async () => {
    const lock = readable(ports.store.folder);
    if (!dryRun)
      await remove(
        ports,
        dropPlugins(
          ports.store,
          lock,
          lock.plugins.map(({ name }) => name),
        ),
      );
    return lock.plugins.map(({ name, version }) => ({ name, version }));
  });
}

function readable(folder: string): PluginLock {
  try {
    return lockOf(folder);
  } catch {
    return { schema: LOCK_SCHEMA, plugins: [], superseded: [] };
  }
}

/** What is uninstalled goes at once. */
async function remove(ports: PluginServicePorts, lock: PluginLock): Promise<void> {
  await ports.renew();
  sweep(ports.store, { ...lock, superseded: [] });
}

type Step = (lock: PluginLock, change: ChangePorts) => Promise<{ change: Change; lock: PluginLock }>;

/** One after another, each for itself: what fails for one leaves the others as they are. */
async function changing(
  ports: PluginServicePorts,
  work: (one: (step: Step) => Promise<void>, lock: PluginLock) => Promise<void>,
): Promise<Ended<Change>[]> {
  return await held(ports, async () => {
    let lock = lockOf(ports.store.folder);
    sweep(ports.store, lock);
    const ended: Ended<Change>[] = [];
    await work(async (step) => {
      try {
        const { change, lock: next } = await step(lock, await ports.change());
        if (next !== lock) await ports.renew();
        lock = next;
        ended.push({ result: change });
      } catch (error) {
        if (!(error instanceof D3Error)) throw error;
        ended.push({ error });
      }
    }, lock);
    return ended;
  });
}

async function held<Result>(ports: PluginServicePorts, work: () => Promise<Result>): Promise<Result> {
  const lock = await ports.hold();
  try {
    return await work();
  } finally {
    lock.release();
  }
}

function chosen({ plugins }: PluginLock, names: readonly string[]): Locked[] {
  if (names.length === 0) return plugins;
  return names.map((name) => {
    const plugin = plugins.find((one) => one.name === name);
    if (plugin === undefined) throw notInstalled(name);
    return plugin;
  });
}

/** What it came from is not there any more, so there is nothing newer. */
function isGone(plugin: Locked): boolean {
  return plugin.type === 'user' && ['file', 'folder'].includes(plugin.source) && !existsSync(plugin.asked);
}

function isCalled(plugin: Locked, name: string, cwd: string): boolean {
  return plugin.name === name || (plugin.type === 'link' && plugin.root === path.resolve(cwd, name));
}

function unchanged(name: string, version: string): Change {
  return { name, version, before: version, integrity: null, allowedBy: null, outcome: 'kept' };
}

function notInstalled(name: string): D3Error {
  return new D3Error('PLUGIN_NOT_INSTALLED', 'notFound', `There is no installed or linked plugin ${name}.`, {
    target: name,
    actions: ['See what there is: d3 plugins'],
  });
}
