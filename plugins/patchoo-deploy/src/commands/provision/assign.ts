import { D3Error } from '@d3/sdk';
import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Args, Flags } from '@oclif/core';
import type { Assigned } from '../../assign.ts';
import type { AssignedTable } from '../../tables.ts';

/** What is said of one machine now, of those of a table, or what was forgotten. */
type Said = Assigned | Pick<AssignedTable, 'rows'> | { forgotten: string };

export default class ProvisionAssign extends DepotCommand<Said> {
  static override summary = 'Say what a machine is, so that it is deployed.';
  static override description =
    'From wherever the admin sits. It is one change of the record, with its history, and is read back. A machine that holds goes on at its ' +
    'next look. An empty value clears.';
  static override examples = [
    '<%= config.bin %> provision assign C02ABC123 --build studio --department art',
    "<%= config.bin %> provision assign C02ABC123 --name 'Studio 7' --ea Room=101",
    '<%= config.bin %> provision assign C02NEW456 --ahead --build office',
    '<%= config.bin %> provision assign --from machines.csv --ahead --dry-run',
  ];
  static override args = {
    computer: Args.string({ description: 'Its serial number, name or id.', required: false }),
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
    ahead: Flags.boolean({
      summary: 'Also for a serial number nothing was heard of yet: the machine has it from its first report on.',
    }),
    forget: Flags.boolean({ summary: 'Take back what was said ahead.', exclusive: ['ahead', 'from'] }),
    from: Flags.string({
      helpValue: 'FILE',
      summary: 'A table of machines, as d3 provision export writes it; what is empty there says nothing.',
      exclusive: ['build', 'department', 'building', 'site', 'name', 'ea'],
    }),
    'dry-run': Flags.boolean({ summary: 'Change nothing, and say what would be.' }),
  };

  async execute(context: CommandContext): Promise<CommandOutcome<Said>> {
    const { depot, flags, args } = context;
    if (typeof flags['from'] === 'string') return this.#fromTable(context, flags['from']);
    const word = args['computer'];
    if (typeof word !== 'string') {
      throw new D3Error('MISSING_ARGUMENT', 'usage', 'It is not said which computer is meant.', {
        target: 'computer',
        actions: ['name it: d3 provision assign SERIAL --build …', 'or many: --from FILE'],
      });
    }
    const { assign, forgetAhead } = await import('../../assign.ts');
    if (flags['forget'] === true) {
      await depot('changes', (admin) => forgetAhead(word, admin));
      return { result: { forgotten: word } };
    }
    const { writtenSettings } = await import('../../settings.ts');
    const { build, department, building, site, name, ea } = flags as Record<string, string | undefined> & {
      ea?: string[];
    };
    const assigned = await depot('changes', async (admin, { settings }) =>
      assign(
        word,
        { build, department, building, site, name, eas: ea },
        admin,
        (await writtenSettings(settings)).buildAttribute,
        { ahead: flags['ahead'] === true, dryRun: flags['dry-run'] === true },
      ),
    );
    return { result: assigned };
  }

  async #fromTable({ depot, flags, args }: CommandContext, file: string): Promise<CommandOutcome<Said>> {
    if (args['computer'] !== undefined) {
      throw new D3Error('TWO_SUBJECTS', 'usage', 'Either a computer is named, or a table of them.', {
        target: '--from',
      });
    }
    const { assignTable, readTable } = await import('../../tables.ts');
    const { writtenSettings } = await import('../../settings.ts');
    const rows = await readTable(file);
    const { exit, problems, ...done } = await depot('changes', async (admin, { settings }) =>
      assignTable(rows, admin, (await writtenSettings(settings)).buildAttribute, {
        ahead: flags['ahead'] === true,
        dryRun: flags['dry-run'] === true,
      }),
    );
    return { result: done, exit, errors: problems };
  }

  text(said: Said): string {
    if ('forgotten' in said) return `${said.forgotten}: nothing is said ahead of it any more`;
    return 'rows' in said ? said.rows.map((row) => this.#line(row)).join('\n') : this.#line(said);
  }

  #line({ computer, record, changed, ahead }: Assigned): string {
    const said = Object.entries(record).map(([key, value]) => `${key} ${value}`);
    const who = computer.serial ?? computer.id;
    return `${who}: ${said.join(', ') || 'nothing is said of it'}${changed ? '' : ' (as before)'}${ahead ? ', from its first report on' : ''}`;
  }
}
