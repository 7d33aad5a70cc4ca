import { D3Error } from '@d3/sdk';
import { Args } from '@oclif/core';
import { type ContextOf, D3Command, type Outcome } from '../cli/base.ts';
import type { Terminal } from '../terminal/terminal.ts';

interface Completion {
  kind: string;
  script: string;
}

const SHELLS = ['bash', 'zsh'] as const;

export default class Autocomplete extends D3Command<Completion, typeof Autocomplete> {
  static override summary = 'Print a script that completes commands and flags in bash or zsh.';
  static override description =
    'Until the shell ends, by eval "$(d3 autocomplete bash)"; for good, by that line in ~/.bashrc or ~/.zshrc, or its output in a file they read, which starts faster. ' +
    'It has the commands there are now, those of installed plugins too.';
  static override examples = ['<%= config.bin %> autocomplete bash', '<%= config.bin %> autocomplete zsh'];
  static override args = {
    kind: Args.string({
      name: 'kind',
      description: 'bash or zsh; that of $SHELL unless said.',
      options: [...SHELLS],
    }),
  };

  protected async execute({ args, env }: ContextOf<typeof Autocomplete>): Promise<Outcome<Completion>> {
    const { completionScript } = await import('../cli/completion.ts');
    const wanted = args.kind ?? env['SHELL']?.split('/').at(-1);
    const kind = SHELLS.find((one) => one === wanted);
    if (kind === undefined) {
      throw new D3Error('NO_SUCH_SHELL', 'usage', `There is no completion for ${wanted ?? 'an unknown shell'}.`, {
        target: 'kind',
        actions: ['Name one: d3 autocomplete bash, or zsh.'],
      });
    }
    const commands = this.config.commands
      .filter(({ hidden }) => !hidden)
      .map(({ id, flags }) => ({
        words: id.split(':'),
        flags: Object.entries(flags).flatMap(([name, { char, hidden }]) =>
          hidden ? [] : [`--${name}`, ...(char === undefined ? [] : [`-${char}`])],
        ),
      }));
    return { result: { kind, script: completionScript(kind, commands) } };
  }

  protected render({ script }: Completion, terminal: Terminal): void {
    terminal.result(script.trimEnd());
  }
}
