import { Args } from '@oclif/core';
import type { ShownEdition } from '../../admin/show.ts';
import { SHOWABLE, type Showable } from '../../catalog/statuses.ts';
import { readingDepot } from '../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../cli/base.ts';
import { editionColumns } from '../../cli/edition-columns.ts';
import { csvListing, listingFlags, showListing } from '../../cli/listing.ts';
import type { Terminal } from '../../terminal/terminal.ts';

interface Shown {
  which: Showable;
  editions: ShownEdition[];
}

export default class AdminShow extends AdminCommand<Shown, typeof AdminShow> {
  static override summary = 'Show the editions of the depot: all, or those of one status or basename.';
  static override description =
    'The first word may be a status: all, pilot, live, deprecated, skipped, archived or missing. All further words are basenames or editions. "search" finds by patterns.';
  static override examples = [
    '<%= config.bin %>admin show',
    '<%= config.bin %>admin show pilot',
    '<%= config.bin %>admin show all transmogrifier',
    '<%= config.bin %>admin show --csv',
  ];
  static override flags = { ...listingFlags };
  static override args = {
    status: Args.string({ name: 'status', description: 'A status, then basenames or editions.', multiple: true }),
  };

  #csv = false;

  async execute(context: ContextOf<typeof AdminShow>): Promise<Outcome<Shown>> {
    const { showEditions } = await import('../../admin/show.ts');
    this.#csv = context.flags.csv;
    const [first, ...others] = context.args.status ?? [];
    const status = SHOWABLE.find((word) => word === first);
    const which = status ?? 'all';
    const names = first === undefined || status !== undefined ? others : [first, ...others];
    return {
      result: { which, editions: await readingDepot(context, (session) => showEditions(which, names, session)) },
    };
  }

  render({ which, editions }: Shown, terminal: Terminal): void {
    if (this.#csv) return csvListing(terminal, editionColumns, editions);
    const title = which === 'all' ? 'Editions in the depot' : `Editions in the depot: ${which}`;
    showListing(terminal, editionColumns, editions, { title, empty: `${title}: none` });
  }
}
