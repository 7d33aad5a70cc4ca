import path from 'node:path';
import { D3Error } from '@d3/sdk';
import { whyUntrustedBelow } from '../platform/trusted-folder.ts';
import type { PluginLock } from '../startup/plugin-list.ts';
import { allowedBy } from './allow-list.ts';
import { type Change, type ChangeOptions, type ChangePorts, changeOf, versionOf } from './change.ts';
import { refuseTaken } from './claims.ts';
import { noPackage } from './fetch.ts';
import { commitPlugin, type Locked } from './lock.ts';
import { manifestIn } from './manifest.ts';

/**
 * Makes d3 run a plugin out of the folder its author works in.
 * @param root absolute
 * @param install have npm bring what it depends on first, its scripts left out
 * @throws D3Error refused (30) for a folder others could change, a name that is taken, and what is not allowed
 */
export async function linkPlugin(
  root: string,
  lock: PluginLock,
  { dryRun, install }: Pick<ChangeOptions, 'dryRun'> & { install: boolean },
  ports: ChangePorts,
): Promise<{ change: Change; lock: PluginLock }> {
  const said = manifestIn(root);
  if (said === null) throw noPackage(root, 'there is no package.json with a name in it');
  if (!said.oclif) throw noPackage(root, 'its package.json has no part "oclif"');
  const { name } = said;
  const version = said.version ?? '0.0.0';
  const untrusted = whyUntrustedBelow(root);
  if (untrusted !== null) {
    throw new D3Error('PLUGIN_UNTRUSTED', 'refused', `${root} is not linked: ${untrusted}.`, {
      target: root,
      actions: ['What is linked runs with your rights: make the folder, all in it and those above, yours alone.'],
    });
  }
  const by = allowedBy(ports.policy, { name, version, integrity: null, signatures: [] });
  refuseTaken({ name, commands: [] }, ports.core, ports.installed);
  const entry: Locked = { type: 'link', name, version, allowedBy: by, root: path.resolve(root) };
  const before = versionOf(lock, name);
  if (dryRun) return { change: changeOf(entry, before, 'would'), lock };
  if (install) {
    await ports.npm.ask(['install'], { at: root, target: name, patience: 'work', signal: ports.signal });
  }
  const { commands } = await ports.tryOut({ name, type: 'link', root });
  refuseTaken({ name, commands }, ports.core, ports.installed);
  const there = lock.plugins.find((plugin) => plugin.name === name);
  if (there?.type === 'link' && there.root === entry.root && there.version === version) {
    return { change: changeOf(entry, before, 'kept'), lock };
  }
  const next = commitPlugin(ports.store, lock, entry);
  return { change: changeOf(entry, before, before === null ? 'installed' : 'updated'), lock: next };
}
