import { readFileSync, utimesSync } from 'node:fs';
import path from 'node:path';
import type { EventName } from '@d3/sdk';
import { makeUsageFolder } from '../../plugins/expiration/src/repoman/agent.ts';
import { writeUsage } from '../../plugins/expiration/src/usage-file.ts';
import { usageFile, usageFolder } from '../../plugins/expiration/src/usage-folder.ts';
import { portsOf } from '../../src/cli/plugin-ports.ts';
import { settingsComeFrom } from '../../src/config/plugin-settings.ts';
import type { HookFile } from '../../src/lifecycle/bus.ts';
import { pluginsOnBus } from '../../src/lifecycle/plugins.ts';
import { ticks } from '../../src/platform/clock.ts';
import { execIn } from '../../src/platform/exec.ts';
import type { SandboxMachine } from './sandbox.ts';

const own = path.join(import.meta.dirname, '../..');

interface Declared {
  name: string;
  oclif: { hooks: Record<string, string> };
}

const PLUGINS = ['expiration', 'scripts'].map((name) => {
  const folder = path.join(own, 'plugins', name);
  const pjson = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as Declared;
  return { name: pjson.name, pjson, folder };
});

/** The plugins expiration and scripts from their sources, wired by their package.json, with the ports of the command line. */
export function withExpiration(machine: SandboxMachine): SandboxMachine {
  settingsComeFrom(() => PLUGINS);
  const filesFor = (event: EventName): HookFile[] =>
    PLUGINS.flatMap(({ name, pjson, folder }) => {
      const file = pjson.oclif.hooks[event];
      if (file === undefined) return [];
      const source = path.join(folder, file.replace('/dist/', '/src/').replace(/\.js$/, '.ts'));
      return [{ plugin: name, file: source, identifier: 'default' }];
    });
  const { paths, clock } = machine.machine;
  const start = { paths, debug: false, parent: null, own };
  const plugins = pluginsOnBus({
    hooks: { filesFor },
    exec: execIn(paths.work),
    ports: (plugin, room) => portsOf(plugin, { machine: async () => wired.machine, ...start, ...room }),
    clock,
    ticks,
    trace: () => undefined,
  });
  const wired = machine.with({ plugins });
  return wired;
}

/** Takes the settings of plugins out of this process again. */
export function withoutPluginSettings(): void {
  settingsComeFrom(() => []);
}

export interface UsageWritten {
  /** By executable, when it was last in front. */
  lastUsed?: Record<string, Date>;
  since?: Date;
  /** When the file was written. */
  at: Date;
}

/** A user's usage file, as d3RepoMan writes it. @returns its path */
export function writeUsageOf(user: string, root: string, { lastUsed = {}, since, at }: UsageWritten): string {
  const folder = usageFolder(root, process.platform);
  makeUsageFolder(folder);
  const file = usageFile(folder, user);
  writeUsage(file, { lastUsed: new Map(Object.entries(lastUsed)), since: since ?? at });
  utimesSync(file, at, at);
  return file;
}
