import { type CommandContext, type CommandOutcome, PluginCommand } from '@d3/sdk/command';
import { Args, Flags } from '@oclif/core';
import type { Snippet, SnippetKind } from '../../snippets.ts';

export default class Snippets extends PluginCommand<Snippet[]> {
  static override summary = 'Print what a site puts into Jamf Pro for d3: policies, extension attributes, a profile.';
  static override examples = [
    '<%= config.bin %> jamf snippets',
    '<%= config.bin %> jamf snippets policy',
    '<%= config.bin %> jamf snippets attributes --json',
    '<%= config.bin %> jamf snippets profile --address https://depot.example.org/d3',
  ];
  static override args = {
    kind: Args.string({
      name: 'kind',
      description: 'One kind alone.',
      options: ['policy', 'attributes', 'profile'],
    }),
  };
  static override flags = {
    address: Flags.string({ helpValue: 'URL', summary: 'Where Macs find the depot, for the profile.' }),
    server: Flags.string({ helpValue: 'URL', summary: 'Where Jamf Pro is, for the profile.' }),
  };

  async execute({ args, flags }: CommandContext): Promise<CommandOutcome<Snippet[]>> {
    const { SNIPPETS, snippets } = await import('../../snippets.ts');
    const kind = args['kind'] as SnippetKind | undefined;
    const { address = null, server = null } = flags as { address?: string; server?: string };
    return { result: snippets(kind === undefined ? SNIPPETS : [kind], { depot: address, server }) };
  }

  /** The profile alone is printed as it is, to go into a file. */
  text(found: Snippet[]): string {
    const [only] = found;
    if (found.length === 1 && only !== undefined) return only.text;
    return found.map(({ name, where, text }) => `# ${name}\n# ${where}\n${text}`).join('\n\n');
  }
}
