import { D3Error, type Json, type Reporter, type StatePort } from '@d3/sdk';
import type { PluginRoom } from '../lifecycle/plugins.ts';
import type { MachineFacts } from '../platform/machine.ts';
import type { MachinePaths } from '../platform/paths.ts';
import type { ScriptBlobs } from './script-blobs.ts';
import { State, type StateReader } from './state/state.ts';

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
