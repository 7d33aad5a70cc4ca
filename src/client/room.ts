import { D3Error, type Json, type Reporter, type StatePort } from '@d3/sdk';
import type { PluginRoom } from '../lifecycle/plugins.ts';
import type { MachineFacts } from '../platform/machine.ts';
import type { MachinePaths } from '../platform/paths.ts';
import type { ScriptBlobs } from './script-blobs.ts';
import { State, StateReader } from './state/state.ts';

interface RoomParts {
  paths: MachinePaths;
  host: MachineFacts;
  state: StateReader;
  scripts: ScriptBlobs;
  signal: AbortSignal;
  report: Reporter;
}

/** What plugins may reach in a run on this machine. */
export function roomOf({ paths, host, state, scripts, signal, report }: RoomParts): PluginRoom {
  return {
    machine: { root: paths.root, name: host.name, user: host.user },
    blob: (sha256) => scripts.read(sha256),
    stateOf: (plugin) => stateOf(plugin, state),
    signal,
    report,
  };
}

/** What plugins' commands may reach: their store is opened for each use by itself. */
export function roomOfCommand({
  paths,
  scripts,
  signal,
  report,
}: Omit<RoomParts, 'state' | 'host'>): Omit<PluginRoom, 'machine'> {
  return {
    blob: (sha256) => scripts.read(sha256),
    stateOf: (plugin) => ({
      get: (key) => closing(StateReader.open(paths), (state) => stateOf(plugin, state).get(key)),
      set: (key, value, version) =>
        closing(State.open(paths), (state) => stateOf(plugin, state).set(key, value, version)),
    }),
    signal,
    report,
  };
}

/** The same for hooks, outside of a run that holds the lock. */
export function roomOutside({ host, ...parts }: Omit<RoomParts, 'state'>): PluginRoom {
  return { machine: { root: parts.paths.root, name: host.name, user: host.user }, ...roomOfCommand(parts) };
}

function closing<Result>(state: StateReader, work: (state: StateReader) => Result): Result {
  try {
    return work(state);
  } finally {
    state.close();
  }
}

function stateOf(plugin: string, state: StateReader): StatePort {
  return {
    get: (key) => state.pluginValue(plugin, key),
    set(key, value: Json, version) {
      if (!(state instanceof State)) throw refused(plugin, key, 'a rehearsal changes nothing');
      const saved = state.setPluginValue(plugin, key, value, version);
      if (saved === null) throw refused(plugin, key, 'somebody else changed it meanwhile');
      return saved;
    },
  };
}

function refused(plugin: string, key: string, why: string): D3Error {
  return new D3Error('STATE_CONFLICT', 'refused', `The value ${key} of ${plugin} was not changed: ${why}.`, {
    target: plugin,
  });
}
