import { Args, Flags } from '@oclif/core';
import { type ContextOf, D3Command, type Outcome } from '../cli/base.ts';
import D3Help, { type ListedCommand } from '../cli/help.ts';
import type { Terminal } from '../terminal/terminal.ts';

interface HelpText {
  text: string;
  commands: ListedCommand[];
}

export default class HelpCommand extends D3Command<HelpText, typeof HelpCommand> {
  static override summary = 'List all commands, or tell about one.';
  static override aliases = ['h'];
  static override examples = [
    '<%= config.bin %> help',
    '<%= config.bin %> help install',
    '<%= config.bin %>admin help add',
  ];
  static override args = {
    command: Args.string({ description: 'What to tell about.', multiple: true }),
  };
  static override flags = {
    extended: Flags.boolean({ summary: 'Tell everything: environment and exit codes too.' }),
  };

  protected async execute({ args, flags, terminal }: ContextOf<typeof HelpCommand>): Promise<Outcome<HelpText>> {
    const help = new D3Help(this.config, { stripAnsi: true, maxWidth: terminal.columns });
    return { result: { text: help.about(args.command ?? [], flags.extended), commands: help.list() } };
  }

  protected render(result: HelpText, terminal: Terminal): void {
    terminal.result(result.text);
  }
}
