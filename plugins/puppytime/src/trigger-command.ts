import { type CommandContext, MachineCommand } from '@d3/sdk/command';
import { Args, Flags } from '@oclif/core';
import { KINDS, type Kind, type TriggerShown, type TriggerWork } from './triggers.ts';

export const kindArg = (required: boolean) =>
  Args.string({ name: 'kind', description: 'What starts it.', options: [...KINDS], required });

export const dryRunFlag = { 'dry-run': Flags.boolean({ summary: 'Say what would be done; change nothing.' }) };

export type Triggers = { triggers: TriggerShown[] };

/** The base of the commands about what starts puppytime. */
export abstract class TriggerCommand extends MachineCommand<Triggers> {
  protected async work(context: CommandContext): Promise<TriggerWork> {
    const { triggers } = await context.ports();
    return { platform: process.platform, triggers, dryRun: context.flags['dry-run'] === true };
  }

  /** The kind that is named; on a Mac its own where none is. */
  protected kind({ args }: CommandContext): Kind | null {
    return (args['kind'] ?? null) as Kind | null;
  }

  text({ triggers }: Triggers): string {
    return triggers.map(lineOf).join('\n');
  }
}

function lineOf({ kind, summary, files, installed, active, line }: TriggerShown): string {
  if (line !== null) return line;
  const state = installed ? (active === false ? 'laid down, but not active' : 'laid down') : 'not laid down';
  return [`${kind}: ${state}, ${summary}`, ...files.map((file) => `  ${file}`)].join('\n');
}
