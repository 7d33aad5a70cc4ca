import { Args } from '@oclif/core';
import { ClientCommand, type ContextOf, type Outcome } from '../../cli/base.ts';
import { valueText } from '../../cli/config-text.ts';
import type { SettingShown } from '../../client/configuration.ts';
import type { Terminal } from '../../terminal/terminal.ts';

export default class ConfigGet extends ClientCommand<SettingShown, typeof ConfigGet> {
  static override summary = 'Print one setting of this machine.';
  static override examples = ['<%= config.bin %> config get sync.pilots'];
  static override args = { name: Args.string({ name: 'name', description: 'Its name.', required: true }) };

  async execute(context: ContextOf<typeof ConfigGet>): Promise<Outcome<SettingShown>> {
    const { configurationHere } = await import('../../cli/configuration-here.ts');
    const { settingShown } = await import('../../client/configuration.ts');
    const { configuration } = await configurationHere(context.inputs);
    return { result: settingShown(context.args.name, configuration) };
  }

  render({ value }: SettingShown, terminal: Terminal): void {
    terminal.result(valueText(value));
  }
}
