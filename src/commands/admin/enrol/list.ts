import { Flags } from '@oclif/core';
import type { Enrolments } from '../../../admin/enrolment.ts';
import { readingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import { moment } from '../../../cli/table-text.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

export default class AdminEnrolList extends AdminCommand<Enrolments, typeof AdminEnrolList> {
  static override summary = 'List machines that wait to be let in, and the codes in force.';
  static override examples = ['<%= config.bin %>admin enrol list', '<%= config.bin %>admin enrol list --all'];
  static override flags = { all: Flags.boolean({ summary: 'Those that were decided or are over too.' }) };

  async execute(context: ContextOf<typeof AdminEnrolList>): Promise<Outcome<Enrolments>> {
    const { listEnrolments } = await import('../../../admin/enrolment.ts');
    return { result: await readingDepot(context, (session) => listEnrolments(context.flags.all, session)) };
  }

  render({ enrolments, codes }: Enrolments, terminal: Terminal): void {
    const number = { header: 'Number', align: 'right' } as const;
    terminal.table({
      title: 'Machines',
      columns: [number, 'State', 'Name', 'Serial', 'Known as', 'Asked', 'Code'],
      rows: enrolments.map(({ id, state, computer, knownAs, became, at, code }) => [
        id,
        state,
        computer.name,
        computer.claims.serial ?? '',
        became ?? knownAs.join(', '),
        moment(at),
        code,
      ]),
      empty: 'Machines: none wait',
    });
    terminal.table({
      title: 'Codes',
      columns: [number, 'Kind', 'Note', 'Made by', 'Used', 'Good until'],
      rows: codes.map(({ id, kind, note, createdBy, uses, expiresAt, revokedAt }) => [
        id,
        kind,
        note,
        createdBy,
        uses,
        revokedAt === null ? moment(expiresAt) : `revoked ${moment(revokedAt)}`,
      ]),
      empty: 'Codes: none',
    });
  }
}
