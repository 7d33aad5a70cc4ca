import path from 'node:path';
import type { EventName } from '@d3/sdk';
import type { HookFile, HookTracer } from '../../src/lifecycle/bus.ts';
import { type Plugins, pluginsOnBus } from '../../src/lifecycle/plugins.ts';
import { systemClock, ticks } from '../../src/platform/clock.ts';
import { execIn } from '../../src/platform/exec.ts';
import { noPorts } from './no-ports.ts';

const HOOKS: Partial<Record<EventName, string>> = {
  'd3:install:before': 'before.ts',
  'd3:uninstall:before': 'before.ts',
  'd3:install:after': 'after.ts',
  'd3:uninstall:after': 'after.ts',
};

const folder = path.join(import.meta.dirname, '../../plugins/scripts/src/hooks');

/** The scripts plugin from its sources, on a bus of its own. @param work where its programs run */
export function scriptsPlugin(work: string, trace: HookTracer = () => undefined): Plugins {
  const filesFor = (event: EventName): HookFile[] => {
    const file = HOOKS[event];
    return file === undefined
      ? []
      : [{ plugin: '@d3/plugin-scripts', file: path.join(folder, file), identifier: 'default' }];
  };
  return pluginsOnBus({ hooks: { filesFor }, exec: execIn(work), ports: noPorts, clock: systemClock, ticks, trace });
}
