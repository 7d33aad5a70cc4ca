import { Flags } from '@oclif/core';
import { ClientCommand, type ContextOf, type Outcome } from '../../cli/base.ts';
import { noteTexts, originText, valueText } from '../../cli/config-text.ts';
import type { SettingShown } from '../../client/configuration.ts';
import type { Terminal } from '../../terminal/terminal.ts';

interface Listed {
  settings: SettingShown[];
  showOrigin: boolean;
}

export default class ConfigList extends ClientCommand<Listed, typeof ConfigList> {
  static override summary = 'List the settings of this machine.';
  static override description =
    "What is managed counts most, then d3's own file, then the ancestor's. What of the ancestor's files means nothing here is said.";
  static override examples = ['<%= config.bin %> config list', '<%= config.bin %> config list --show-origin'];
  static override flags = { 'show-origin': Flags.boolean({ summary: 'Show where each value comes from.' }) };

  async execute(context: ContextOf<typeof ConfigList>): Promise<Outcome<Listed>> {
    const { configurationHere } = await import('../../cli/configuration-here.ts');
    const { settingsShown } = await import('../../client/configuration.ts');
    const { configuration } = await configurationHere(context.inputs);
    const showOrigin = context.flags['show-origin'];
    return { result: { settings: settingsShown(configuration), showOrigin }, warnings: noteTexts(configuration) };
  }

  render({ settings, showOrigin }: Listed, terminal: Terminal): void {
    terminal.table({
      title: 'Settings',
      columns: ['Setting', 'Value', ...(showOrigin ? ['From'] : [])],
      rows: settings.map(({ name, value, origin }) => [
        name,
        valueText(value),
        ...(showOrigin ? [originText(origin)] : []),
      ]),
      empty: 'Settings: none',
    });
  }
}
