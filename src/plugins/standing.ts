import { existsSync } from 'node:fs';
import path from 'node:path';
import { digestOf } from '../platform/plugin-store.ts';
import { whyUntrustedBelow } from '../platform/trusted-folder.ts';
import type { PluginLock } from '../startup/plugin-list.ts';
import { type AllowPolicy, judge } from './allow-list.ts';
import { type Claims, claimProblem } from './claims.ts';
import type { Locked } from './lock.ts';

export interface StandingPorts {
  folder: string;
  lock: PluginLock;
  /** Null where the setting is not right: then nothing is said of it. */
  policy: AllowPolicy | null;
  core: readonly Claims[];
  installed: readonly Claims[];
}

/** What stands against each installed plugin, by name, besides whether it loads: what is on the disk, its names, the allow list. */
export function standings(ports: StandingPorts): Map<string, string[]> {
  return new Map(ports.lock.plugins.map((plugin) => [plugin.name, against(plugin, ports)]));
}

function against(plugin: Locked, { folder, policy, core, installed }: StandingPorts): string[] {
  const claims = installed.find(({ name }) => name === plugin.name) ?? { name: plugin.name, commands: [] };
  const taken = claimProblem(claims, core, installed);
  return [contentProblem(plugin, folder), taken, policyProblem(plugin, policy)].filter((found) => found !== null);
}

function contentProblem(plugin: Locked, folder: string): string | null {
  if (plugin.type === 'link') {
    const untrusted = whyUntrustedBelow(plugin.root);
    return untrusted === null ? null : `what is linked runs with your rights, and ${untrusted}`;
  }
  const place = path.join(folder, plugin.folder);
  if (plugin.files === null) return null;
  if (!existsSync(place)) return 'its folder is gone';
  return digestOf(place) === plugin.files ? null : 'its files were changed after it was installed';
}

/** Signatures are looked at when something is installed; afterwards the entry that let it in speaks for it as long as it stands. */
function policyProblem(plugin: Locked, policy: AllowPolicy | null): string | null {
  if (policy === null || policy.entries === null) return null;
  if (policy.entries.some(({ text }) => text === plugin.allowedBy)) return null;
  const integrity = plugin.type === 'user' ? plugin.integrity : null;
  const judged = judge(policy, { name: plugin.name, version: plugin.version, integrity, signatures: [] });
  return 'by' in judged ? null : `it would not be allowed now: ${judged.refused}`;
}
