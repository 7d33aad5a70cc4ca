import type { Plugin } from '@oclif/core';
import type { PluginRecord } from './plugin-record.ts';

/**
 * Records as they are kept in a file. Most of one would be the same few flags, repeated for every command, and reading
 * them would be a good part of a start: so each different flag is kept once, and the commands name them by number.
 */
export interface PackedRecords {
  flags: Flag[];
  plugins: PackedRecord[];
}

type Manifest = Plugin['manifest'];
type Command = Manifest['commands'][string];
type Flag = Command['flags'][string];

interface PackedRecord extends Omit<PluginRecord, 'manifest'> {
  manifest: { version: string; commands: Record<string, Omit<Command, 'flags'> & { flags: Record<string, number> }> };
}

export function pack(records: readonly PluginRecord[]): PackedRecords {
  const numbers = new Map<string, number>();
  const flags: Flag[] = [];
  const numberOf = (flag: Flag): number => {
    const text = JSON.stringify(flag);
    const known = numbers.get(text);
    if (known !== undefined) return known;
    numbers.set(text, flags.length);
    return flags.push(flag) - 1;
  };
  const plugins = records.map((record): PackedRecord => {
    const { version, commands } = record.manifest;
    const packed = mapValues(commands, (command) => ({ ...command, flags: mapValues(command.flags, numberOf) }));
    return { ...record, manifest: { version, commands: packed } };
  });
  return { flags, plugins };
}

/** Commands that have the same flag share one object; nobody changes it. */
export function unpack({ flags, plugins }: PackedRecords): PluginRecord[] {
  for (const { manifest } of plugins) {
    for (const command of Object.values(manifest.commands)) {
      const named = command.flags as Record<string, unknown>;
      for (const name in named) named[name] = flags[named[name] as number];
    }
  }
  return plugins as unknown as PluginRecord[];
}

function mapValues<From, To>(from: Record<string, From>, change: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(from).map(([key, value]) => [key, change(value)]));
}
