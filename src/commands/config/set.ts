import { D3Error, type Json } from '@d3/sdk';
import { Args, Flags } from '@oclif/core';
import { ClientCommand, type ContextOf, type Outcome } from '../../cli/base.ts';
import { valueText } from '../../cli/config-text.ts';
import { changingFlags } from '../../cli/flags.ts';
import type { Terminal } from '../../terminal/terminal.ts';

interface Changed {
  name: string;
  /** As it is in force now; in a dry run what would be written, null for what would be unset. */
  value: Json;
  file: string;
  dryRun: boolean;
}

export default class ConfigSet extends ClientCommand<Changed, typeof ConfigSet> {
  static override summary = 'Change one setting of this machine.';
  static override description =
    'It is written into etc/d3.json under the root, or into the YAML file that stands there; the rest of the file stays as it is. ' +
    'A list is comma separated; a secret is named by its file, or as JSON.';
  static override examples = [
    '<%= config.bin %> config set depot https://depot.example.org/d3',
    '<%= config.bin %> config set sync.pilots --unset',
  ];
  static override flags = {
    'dry-run': changingFlags['dry-run'],
    unset: Flags.boolean({ summary: 'Go back to what it is without being set.' }),
  };
  static override args = {
    name: Args.string({ name: 'name', description: 'Its name.', required: true }),
    value: Args.string({ name: 'value', description: 'Its value.' }),
  };

  async execute(context: ContextOf<typeof ConfigSet>): Promise<Outcome<Changed>> {
    const { configurationHere } = await import('../../cli/configuration-here.ts');
    const { changeSetting, settingShown } = await import('../../client/configuration.ts');
    const { name, value } = context.args;
    if (value === undefined ? !context.flags.unset : context.flags.unset) {
      throw new D3Error('USAGE', 'usage', 'Give a value, or --unset.', {
        target: name,
        actions: [`d3 config set ${name} VALUE`],
      });
    }
    const { places } = await configurationHere(context.inputs);
    const { 'dry-run': dryRun } = context.flags;
    const { file, written } = await changeSetting(name, value ?? null, places, { dryRun });
    if (dryRun) return { result: { name, value: written ?? null, file, dryRun } };
    const { configuration } = await configurationHere(context.inputs);
    return { result: { name, value: settingShown(name, configuration).value, file, dryRun } };
  }

  render({ name, value, file, dryRun }: Changed, terminal: Terminal): void {
    const would = value === null ? 'would no longer be set' : `would be ${valueText(value)}`;
    terminal.result(`${name} ${dryRun ? would : `is ${valueText(value)}`} (${file})`);
  }
}
