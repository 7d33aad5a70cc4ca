import { Flags } from '@oclif/core';
import type { ListedComputer } from '../../../admin/computers.ts';
import { readingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import { ageWords } from '../../../cli/computer-text.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

export default class AdminComputerList extends AdminCommand<ListedComputer[], typeof AdminComputerList> {
  static override summary = 'List the computers that have reported, all or those that meet criteria.';
  static override examples = [
    '<%= config.bin %>admin computer list',
    "<%= config.bin %>admin computer list --where 'os is macOS and last-report > 30'",
  ];
  static override flags = {
    where: Flags.string({ helpValue: 'CRITERIA', summary: 'Those that meet criteria, as of a smart group.' }),
  };

  async execute(context: ContextOf<typeof AdminComputerList>): Promise<Outcome<ListedComputer[]>> {
    const { listComputers } = await import('../../../admin/computers.ts');
    return { result: await readingDepot(context, (session) => listComputers(context.flags.where, session)) };
  }

  render(computers: ListedComputer[], terminal: Terminal): void {
    terminal.table({
      title: 'Computers',
      columns: ['Name', 'System', 'Department', 'Building', 'Last report', 'Serial', 'Id'],
      rows: computers.map(({ name, os, department, building, age, serial, id }) => [
        name,
        `${os.name} ${os.version}`,
        department ?? '-',
        building ?? '-',
        ageWords(age),
        serial ?? '-',
        id,
      ]),
      empty: 'Computers: none',
    });
  }
}
