import { ClientCommand, type CommandContext, type Outcome } from '../../cli/base.ts';
import { noteTexts } from '../../cli/config-text.ts';
import type { Terminal } from '../../terminal/terminal.ts';

export default class ConfigValidate extends ClientCommand<{ files: string[] }> {
  static override summary = 'Look whether the configuration of this machine is right.';
  static override description = 'Everything that is wrong with it is told at once, with its file.';
  static override examples = ['<%= config.bin %> config validate'];

  async execute(context: CommandContext<never, never>): Promise<Outcome<{ files: string[] }>> {
    const { configurationHere } = await import('../../cli/configuration-here.ts');
    const { requireSound } = await import('../../client/configuration.ts');
    const { configuration } = await configurationHere(context.inputs);
    requireSound(configuration);
    const places = [...configuration.origins.values()].flatMap(({ place }) => (place === null ? [] : [place]));
    return { result: { files: [...new Set(places)] }, warnings: noteTexts(configuration) };
  }

  render({ files }: { files: string[] }, terminal: Terminal): void {
    terminal.result(files.length === 0 ? 'Nothing is configured.' : `The configuration is right: ${files.join(', ')}`);
  }
}
