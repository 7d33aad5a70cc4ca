/** The commands as they are, for whatever is written about them. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Plugin } from '@oclif/core';
import { loadByOclif } from '../src/startup/own-plugins.ts';

/** What is read of the snapshot's flags, arguments and commands. */
export interface Flag {
  name: string;
  type: 'boolean' | 'option';
  char?: string;
  aliases?: string[];
  helpGroup?: string;
  helpValue?: string;
  summary?: string;
  required?: boolean;
  default?: string;
}

export interface Argument {
  name: string;
  description?: string;
  multiple?: boolean;
  required?: boolean;
  options?: string[];
  default?: string;
}

export interface Command {
  id: string;
  summary: string;
  description?: string;
  aliases: string[];
  hidden?: boolean;
  args: Record<string, Argument>;
  flags: Record<string, Flag>;
  examples?: string[];
}

/** What comes with d3, of the house, as well: its commands and settings are d3's for whoever uses it. */
export async function knownCommands(root: string): Promise<{ commands: Command[]; plugins: Plugin[] }> {
  const manifest = JSON.parse(readFileSync(path.join(root, 'oclif.manifest.json'), 'utf8')) as {
    commands: Record<string, Command>;
  };
  const plugins = (await loadByOclif({ root, code: 'sources' })).filter(
    ({ name, isRoot }) => !isRoot && name.startsWith('@d3/'),
  );
  const brought = plugins.flatMap((plugin) => Object.values(plugin.manifest.commands)) as unknown as Command[];
  const commands = [...Object.values(manifest.commands), ...brought]
    .filter((command) => command.hidden !== true)
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  return { commands, plugins };
}
