import type { Command } from '@oclif/core';

/** The part of a command, loaded or from the manifest, that says how to call it. */
type Callable = Pick<Command.Class, 'id' | 'args'>;

/** How a command is called, on one line: `d3 install BASENAME... [options]`. */
export function usageLine(bin: string, command: Callable): string {
  const args = Object.entries(command.args ?? {})
    .filter(([, arg]) => arg.hidden !== true)
    .map(([name, arg]) => {
      const word = `${(arg.name ?? name).toUpperCase()}${arg.multiple === true ? '...' : ''}`;
      return arg.required === true ? word : `[${word}]`;
    });
  return [bin, ...command.id.split(':'), ...args, '[options]'].join(' ');
}
