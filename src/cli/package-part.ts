import type { PartOptions } from '@d3/flatpkg';
import { Flags } from '@oclif/core';

/** Flags of the commands that work on one part of a package. */
export const PART_FLAGS = {
  component: Flags.string({
    helpValue: 'ID',
    summary:
      'One component of a product archive, by identifier or folder; without it, all that are installed by default.',
  }),
  scripts: Flags.boolean({ summary: 'The scripts of the package instead of its payload.' }),
};

export function partOf({ component, scripts }: { component?: string | undefined; scripts: boolean }): PartOptions {
  return { part: scripts ? 'scripts' : 'payload', ...(component === undefined ? {} : { component }) };
}
