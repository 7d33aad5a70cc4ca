import path from 'node:path';
import { D3Error, type Reporter } from '@d3/sdk';
import semver from 'semver';
import { digestOf, type PluginStore } from '../platform/plugin-store.ts';
import { type LockedPlugin, type PluginLock, STORE } from '../startup/plugin-list.ts';
import { type AllowPolicy, allowedBy } from './allow-list.ts';
import { type Claims, refuseTaken } from './claims.ts';
import { type FetchedPackage, type FetchPorts, fetchPackage, lookUp } from './fetch.ts';
import { layDown } from './lay-down.ts';
import { commitPlugin, type Locked } from './lock.ts';
import type { PluginSpec } from './spec.ts';

/** A plugin that was loaded in a process of its own. */
export interface Tried {
  commands: readonly string[];
  problems: readonly string[];
}

/** What a change of plugins needs; all of it is handed in. */
export interface ChangePorts extends FetchPorts {
  store: PluginStore;
  policy: AllowPolicy;
  /** d3 itself and what comes with it. */
  core: readonly Claims[];
  /** Names and commands of what is installed, broken ones by their names alone. */
  installed: readonly Claims[];
  /** Loads a plugin where it can do no harm. @param root its folder */
  tryOut(plugin: { name: string; type: 'user' | 'link'; root: string }): Promise<Tried>;
  report: Reporter;
}

export interface Change {
  name: string;
  version: string;
  /** The version before; null when it was not installed. */
  before: string | null;
  integrity: string | null;
  allowedBy: string | null;
  /** `kept`: that very content is installed already. `would`: a dry run. */
  outcome: 'installed' | 'updated' | 'kept' | 'would';
}

export interface ChangeOptions {
  dryRun: boolean;
  /** Lay it down again although that very content is installed. */
  force: boolean;
  /** What has to come of it: for an update the name, for a repair the content as well. */
  expect?: { name: string; integrity: string | null };
  /** For an update: a registry that has only older ones than what is installed changes nothing. */
  onlyNewer?: boolean;
}

/**
 * Installs a plugin, or puts another version in its place. All of it is made ready in a folder that nothing names; the list then
 * names it, in one moment. Whatever fails before, what was there stays.
 */
export async function putPlugin(
  spec: PluginSpec,
  lock: PluginLock,
  options: ChangeOptions,
  ports: ChangePorts,
): Promise<{ change: Change; lock: PluginLock }> {
  const { store, policy, signal, report } = ports;
  const folder = store.stage();
  const work = path.join(folder, 'work');
  let installed = false;
  try {
    store.makeFolder(work);
    report({ type: 'note', target: null, text: `looking for ${spec.asked}` });
    const fetched =
      spec.source === 'registry' ? await lookUp(spec, work, ports) : await fetchPackage(spec, work, ports);
    const done = decided(spec.source, fetched, lock, policy, options);
    if (done !== null) return { change: done, lock };
    refuseTaken({ name: fetched.name, commands: [] }, ports.core, ports.installed);
    const root = await layDown(fetched, folder, ports);
    store.remove(work);
    await refuseUnfit(fetched, root, ports);
    const entry = lockedOf(spec, fetched, folder, policy);
    store.settle(folder);
    signal.throwIfAborted();
    const before = versionOf(lock, fetched.name);
    const next = commitPlugin(store, lock, entry);
    installed = true;
    return { change: changeOf(entry, before, before === null ? 'installed' : 'updated'), lock: next };
  } finally {
    if (!installed) store.remove(folder);
  }
}

/** What is known before anything is laid down: whether it may be at all, and whether there is anything to do. */
function decided(
  source: PluginSpec['source'],
  candidate: Pick<FetchedPackage, 'name' | 'version' | 'integrity' | 'signatures'>,
  lock: PluginLock,
  policy: AllowPolicy,
  { dryRun, force, expect, onlyNewer = false }: ChangeOptions,
): Change | null {
  const { name, version, integrity } = candidate;
  if (expect !== undefined && expect.name !== name) {
    throw new D3Error('OTHER_PLUGIN', 'refused', `Where ${expect.name} came from there is ${name} now.`, {
      target: expect.name,
      actions: [`What is installed stays. Uninstall ${expect.name}, then install ${name}, if that is what you want.`],
    });
  }
  const wanted = expect?.integrity ?? null;
  if (wanted !== null && wanted !== integrity) {
    throw new D3Error('PLUGIN_ALTERED', 'verificationFailed', `${name} ${version} is not what was installed before.`, {
      target: name,
      actions: ['What is installed stays. Find out who altered it before you install it again.'],
    });
  }
  const there = lock.plugins.find((plugin) => plugin.name === name);
  if (source === 'registry' && there?.type === 'user' && there.source === 'registry') {
    if (onlyNewer && isOlder(version, there.version)) return changeOf(there, there.version, 'kept');
    if (!force) refuseOtherContent(there, candidate);
  }
  const by = allowedBy(policy, candidate);
  const same = there?.type === 'user' && there.integrity === integrity && there.version === version;
  const change = { name, version, before: there?.version ?? null, integrity, allowedBy: by };
  if (same && !force) return { ...change, outcome: 'kept' };
  return dryRun ? { ...change, outcome: 'would' } : null;
}

function isOlder(version: string, than: string): boolean {
  return semver.valid(than) !== null && semver.lt(version, than);
}

/** Of a version there is one content: whoever published another one under its number altered it. */
function refuseOtherContent(
  there: LockedPlugin,
  { version, integrity }: { version: string; integrity: string | null },
): void {
  if (there.version !== version || there.integrity === null || there.integrity === integrity) return;
  const { name } = there;
  throw new D3Error(
    'PLUGIN_ALTERED',
    'verificationFailed',
    `${name} ${version} is not what it was when it was installed.`,
    {
      target: name,
      actions: [
        'What is installed stays. Find out who altered it.',
        `Is it meant so: d3 plugins install ${name}@${version} --force`,
      ],
    },
  );
}

function lockedOf(spec: PluginSpec, fetched: FetchedPackage, folder: string, policy: AllowPolicy): Locked {
  const { name, version, integrity } = fetched;
  return {
    type: 'user',
    name,
    version,
    asked: spec.asked,
    source: spec.source,
    integrity,
    files: digestOf(folder),
    allowedBy: allowedBy(policy, fetched),
    folder: path.join(STORE, path.basename(folder)),
  };
}

/** It is loaded once before it is installed: what does not load then would not later. */
async function refuseUnfit({ name, version }: FetchedPackage, root: string, ports: ChangePorts): Promise<void> {
  const { commands, problems } = await ports.tryOut({ name, type: 'user', root });
  if (problems.length > 0) {
    throw new D3Error('PLUGIN_BROKEN', 'failed', `${name} ${version} does not load: ${problems.join('; ')}.`, {
      target: name,
      actions: ['What was installed before stays. Tell whoever makes it.'],
    });
  }
  refuseTaken({ name, commands }, ports.core, ports.installed);
}

export function changeOf(plugin: Locked, before: string | null, outcome: Change['outcome']): Change {
  const { name, version, allowedBy: by } = plugin;
  const integrity = plugin.type === 'user' ? plugin.integrity : null;
  return { name, version, before, integrity, allowedBy: by, outcome };
}

export function versionOf(lock: PluginLock, name: string): string | null {
  return lock.plugins.find((plugin) => plugin.name === name)?.version ?? null;
}
