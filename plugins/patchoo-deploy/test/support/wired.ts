import path from 'node:path';
import { type PluginContext, type ProgressEvent, silentReporter } from '@d3/sdk';
import { portsOf } from '../../../../src/cli/plugin-ports.ts';
import { roomOfCommand } from '../../../../src/client/room.ts';
import type { Machine } from '../../../../src/client/run.ts';
import { ScriptBlobs } from '../../../../src/client/script-blobs.ts';
import type { HookFile, HookSource } from '../../../../src/lifecycle/bus.ts';
import { contextOf, pluginsOnBus } from '../../../../src/lifecycle/plugins.ts';
import { ticks } from '../../../../src/platform/clock.ts';
import { execIn } from '../../../../src/platform/exec.ts';
import type { SandboxMachine } from '../../../../test/support/sandbox.ts';

/** A real machine with the plugin on its bus and all of its ports, as a start of d3 puts them together; in one process. */

const PLUGIN = '@d3/plugin-patchoo-deploy';
const HOOKS: Readonly<Record<string, string>> = {
  'd3:provisioning': 'provisioning.ts',
  'd3:steps': 'steps.ts',
  'd3:step:run': 'step-run.ts',
  'd3:step:settled': 'step-settled.ts',
};
const folder = path.join(import.meta.dirname, '../../src/hooks');

export function wired(
  machine: SandboxMachine,
  {
    others = [],
    tell = silentReporter,
  }: { others?: readonly (HookFile & { event: string })[]; tell?: (event: ProgressEvent) => void } = {},
): { ports: PluginContext; machine: Machine } {
  const { paths, depot, clock } = machine.machine;
  const hooks: HookSource = {
    filesFor(event) {
      const file = HOOKS[event];
      const own = file === undefined ? [] : [{ plugin: PLUGIN, file: path.join(folder, file), identifier: 'default' }];
      return [...others.filter((other) => other.event === event), ...own];
    },
  };
  const signal = new AbortController().signal;
  const parts = { paths, debug: false, parent: null, own: '/' };
  const whole: Machine = {
    ...machine.machine,
    plugins: pluginsOnBus({
      hooks,
      exec: execIn(paths.work),
      ports: (plugin, room) => portsOf(plugin, { ...parts, machine: async () => whole, ...room }),
      clock,
      ticks,
      trace: () => undefined,
    }),
  };
  const room = roomOfCommand({ paths, scripts: new ScriptBlobs(paths.scripts, depot), signal, report: tell });
  const ports = () => portsOf(PLUGIN, { ...parts, machine: async () => whole, signal, report: tell });
  return { machine: whole, ports: contextOf(PLUGIN, room, { exec: execIn(paths.work), ports, clock }) };
}
