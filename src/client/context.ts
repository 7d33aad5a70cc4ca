import type { Reporter } from '@d3/sdk';
import type { DepotClient } from '../depot/contract.ts';
import type { DriverFor } from '../installers/index.ts';
import type { PluginRoom, Plugins } from '../lifecycle/plugins.ts';
import type { Claims } from '../platform/claims.ts';
import type { Clock } from '../platform/clock.ts';
import type { MachinePaths } from '../platform/paths.ts';
import type { RootFs } from '../platform/rootfs.ts';
import type { RunIdentity } from './environment.ts';
import type { ProcessesHere } from './processes.ts';
import type { ScriptBlobs } from './script-blobs.ts';
import type { State } from './state/state.ts';

/** All that acting on a machine needs, handed in so that tests hand in their own. */
export interface ActingContext {
  paths: MachinePaths;
  rootfs: RootFs;
  claims: Claims;
  state: State;
  /** Null: no depot is known; what is on the machine can still be removed. */
  depot: DepotClient | null;
  driverFor: DriverFor;
  plugins: Plugins;
  /** What plugins may reach while they are asked. */
  room: PluginRoom;
  scripts: ScriptBlobs;
  clock: Clock;
  signal: AbortSignal;
  identity: RunIdentity;
  processes: ProcessesHere;
  /** Whether processes that are in the way are asked to end first. */
  quitProcesses: 'off' | 'ask';
  /** Somebody asked for this by name: what stands against it is refused, not held. */
  asked: boolean;
  /** `seed`: remove first, then ask the gate; `after-gate`: the safer order. */
  removeFirst: 'seed' | 'after-gate';
  report: Reporter;
}
