import type { Json } from '@d3/sdk';
import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Args, Flags } from '@oclif/core';
import type { Assigned } from '../../assign.ts';

export default class ProvisionAssign extends DepotCommand {
  static override summary = 'Say what a machine is, so that it is deployed.';
  static override description =
    'From wherever the admin sits. It is one change of the record, with its history, and is read back. A machine that holds goes on at its ' +
    'next look. An empty value clears.';
  static override examples = [
    '<%= config.bin %> provision assign C02ABC123 --build studio --department art',
    "<%= config.bin %> provision assign C02ABC123 --name 'Studio 7' --ea Room=101",
  ];
  static override args = {
    computer: Args.string({ description: 'Its serial number, name or id.', required: true }),
  };
  static override flags = {
    build: Flags.string({ helpValue: 'BUILD', summary: 'Its build: a choice of the extension attribute of builds.' }),
    department: Flags.string({ helpValue: 'NAME', summary: 'Its department.' }),
    building: Flags.string({ helpValue: 'NAME', summary: 'Its building.' }),
    site: Flags.string({ helpValue: 'NAME', summary: 'Its site.' }),
    name: Flags.string({ helpValue: 'NAME', summary: 'What it is to be called; no other computer may be.' }),
    ea: Flags.string({
      helpValue: 'NAME=VALUE',
      summary: 'A further extension attribute; repeatable.',
      multiple: true,
    }),
  };

  async execute({ depot, flags, args }: CommandContext): Promise<CommandOutcome<Json>> {
    const { assign } = await import('../../assign.ts');
    const { writtenSettings } = await import('../../settings.ts');
    const { build, department, building, site, name, ea } = flags as Record<string, string | undefined> & {
      ea?: string[];
    };
    const assigned = await depot('changes', async (admin, { settings }) =>
      assign(
        String(args['computer']),
        { build, department, building, site, name, eas: ea },
        admin,
        (await writtenSettings(settings)).buildAttribute,
      ),
    );
    return { result: assigned as unknown as Json };
  }

  text(result: Json): string {
    const { computer, record, changed } = result as unknown as Assigned;
    const said = Object.entries(record).map(([key, value]) => `${key} ${value}`);
    const who = computer.serial ?? computer.id;
    return `${who}: ${said.join(', ') || 'nothing is said of it'}${changed ? '' : ' (as before)'}`;
  }
}
