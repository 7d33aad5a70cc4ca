import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Args, Flags } from '@oclif/core';
import type { Snippet } from '../../foreman/snippets.ts';

export default class ForemanSnippets extends DepotCommand<Snippet[]> {
  static override summary = 'Print what goes into installation templates: it keeps the agent off, and lets d3 in.';
  static override examples = [
    '<%= config.bin %> foreman snippets --proxy site-a',
    '<%= config.bin %> foreman snippets kickstart --key-file /etc/d3/proxy.pub',
  ];
  static override args = {
    kind: Args.string({ name: 'kind', description: 'One kind alone.', options: ['kickstart', 'preseed'] }),
  };
  static override flags = {
    proxy: Flags.string({
      helpValue: 'NAME',
      summary: 'Let the key of this proxy in; else of each. Repeatable.',
      multiple: true,
    }),
    'key-file': Flags.string({
      helpValue: 'FILE',
      summary: 'Let the public key in this file in.',
      exclusive: ['proxy'],
    }),
    'login-user': Flags.string({ helpValue: 'NAME', summary: 'The user it lets in.', default: 'root' }),
  };

  async execute(context: CommandContext): Promise<CommandOutcome<Snippet[]>> {
    const { snippetsHere } = await import('../../foreman/here.ts');
    return snippetsHere(context);
  }

  /** One alone is printed as it is, to go into a file. */
  text(found: Snippet[]): string {
    const [only] = found;
    if (found.length === 1 && only !== undefined) return only.text.trimEnd();
    return found.map(({ name, where, text }) => `# ${name}\n# ${where}\n${text}`).join('\n');
  }
}
