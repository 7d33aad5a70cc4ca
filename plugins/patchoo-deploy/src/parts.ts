import type { PluginContext } from '@d3/sdk';
import { Memory } from './memory.ts';
import { type WrittenSettings, writtenSettings } from './settings.ts';

/** Everything the steps of a deployment need; handed in. */
export interface Parts {
  ports: Pick<
    PluginContext,
    | 'machine'
    | 'provisioning'
    | 'policies'
    | 'sync'
    | 'runs'
    | 'power'
    | 'system'
    | 'triggers'
    | 'ui'
    | 'clock'
    | 'signal'
    | 'plugin'
    | 'root'
    | 'network'
    | 'files'
  >;
  memory: Memory;
  settings: WrittenSettings;
  /** From 0 to 1, another one each time. */
  random: () => number;
}

/** Put together for a hook or a command. */
export async function partsOf(ports: PluginContext): Promise<Parts> {
  return {
    ports,
    memory: new Memory(ports.state),
    settings: await writtenSettings(ports.settings),
    random: Math.random,
  };
}
