import { Args } from '@oclif/core';
import { SHOWABLE, type Showable, type ShownEdition } from '../../admin/show.ts';
import { readingDepot } from '../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../cli/base.ts';
import { day } from '../../cli/table-text.ts';
import type { Terminal } from '../../terminal/terminal.ts';

interface Shown {
  which: Showable;
  editions: ShownEdition[];
}

export default class AdminShow extends AdminCommand<Shown, typeof AdminShow> {
  static override summary = 'Show the editions of the depot: all, or those of one status.';
  static override examples = ['<%= config.bin %>admin show', '<%= config.bin %>admin show pilot'];
  static override args = {
    status: Args.string({ name: 'status', description: 'Which to show.', options: [...SHOWABLE], default: 'all' }),
  };

  async execute(context: ContextOf<typeof AdminShow>): Promise<Outcome<Shown>> {
    const { showEditions } = await import('../../admin/show.ts');
    const which = context.args.status as Showable;
    return { result: { which, editions: await readingDepot(context, (session) => showEditions(which, session)) } };
  }

  render({ which, editions }: Shown, terminal: Terminal): void {
    const title = which === 'all' ? 'Editions in the depot' : `Editions in the depot: ${which}`;
    terminal.table({
      title,
      columns: ['Edition', 'Status', 'Added', 'By', 'Released', 'By'],
      rows: editions.map(({ edition, status, addedAt, addedBy, releasedAt, releasedBy }) => [
        edition,
        status,
        day(addedAt),
        addedBy,
        releasedAt === null ? '-' : day(releasedAt),
        releasedBy ?? '-',
      ]),
      empty: `${title}: none`,
    });
  }
}
