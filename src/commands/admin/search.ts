import { Args, Flags } from '@oclif/core';
import type { FoundEdition, FoundGroup } from '../../admin/search.ts';
import { readingDepot } from '../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../cli/base.ts';
import { foundColumns, groupColumns } from '../../cli/edition-columns.ts';
import { walkthruFlags } from '../../cli/flags.ts';
import {
  csvListing,
  type ListingColumn,
  listingFlags,
  showListing,
  statusesOf,
  statusFlag,
  timeOf,
} from '../../cli/listing.ts';
import type { Terminal } from '../../terminal/terminal.ts';

interface Found {
  /** Empty where groups were looked for by name. */
  editions: FoundEdition[];
  groups: FoundGroup[];
}

interface GroupRow {
  group: string;
  scope: 'auto' | 'excluded';
  edition: FoundEdition;
}

const groupCsv: readonly ListingColumn<GroupRow>[] = [
  { header: 'Group', name: 'group', value: ({ group }) => group },
  { header: 'Scope', name: 'scope', value: ({ scope }) => scope },
  ...foundColumns.map(({ header, name, value }) => ({
    header,
    name,
    value: ({ edition }: GroupRow) => value(edition),
  })),
];

export default class AdminSearch extends AdminCommand<Found, typeof AdminSearch> {
  static override summary = 'Find editions by patterns: basename, edition, category, admin, date, group.';
  static override description =
    'Patterns are regular expressions without regard to case. With --groups they are of groups: what each installs by itself and what it excludes; "standard" is a group too. Everything given must fit, but of several patterns one is enough.';
  static override examples = [
    '<%= config.bin %>admin search transmog',
    "<%= config.bin %>admin search '^trans|fier$' -S pilot,live",
    '<%= config.bin %>admin search --groups standard',
    '<%= config.bin %>admin search --by sally --since 7d',
    '<%= config.bin %>admin search -w',
  ];
  static override flags = {
    ...listingFlags,
    ...statusFlag,
    ...walkthruFlags,
    groups: Flags.boolean({ summary: 'The patterns are of groups; without any, all editions with their groups.' }),
    edition: Flags.string({ helpValue: 'PATTERN', summary: 'Only editions that match.' }),
    category: Flags.string({ char: 'C', helpValue: 'PATTERN', summary: 'Only those in a category that matches.' }),
    by: Flags.string({ helpValue: 'PATTERN', summary: 'Only those that such an admin added or released.' }),
    since: Flags.string({ helpValue: 'TIME', summary: 'Added or released since: 2026-01-31, or 7d ago.' }),
    until: Flags.string({ helpValue: 'TIME', summary: 'Added or released before: 2026-01-31, or 7d ago.' }),
  };
  static override args = {
    pattern: Args.string({ name: 'pattern', description: 'Patterns; none or "all" means everything.', multiple: true }),
  };

  #csv = false;
  #withGroups = false;

  async execute(context: ContextOf<typeof AdminSearch>): Promise<Outcome<Found>> {
    const { searchEditions, searchGroups } = await import('../../admin/search.ts');
    const { flags, args, terminal } = context;
    this.#csv = flags.csv;
    const request = {
      statuses: statusesOf(flags.status),
      edition: flags.edition,
      category: flags.category,
      by: flags.by,
      since: timeOf('--since', flags.since),
      until: timeOf('--until', flags.until),
    };
    return readingDepot(context, async (session) => {
      let { groups } = flags;
      let patterns = args.pattern ?? [];
      if (flags.walkthru) {
        const { walkSearch } = await import('../../cli/walkthru/search.ts');
        const walked = await walkSearch(terminal, session);
        ({ groups, patterns } = walked);
        request.statuses = statusesOf(walked.statuses);
      }
      this.#withGroups = groups;
      if (groups && patterns.length > 0)
        return { result: { editions: [], groups: await searchGroups({ ...request, patterns }, session) } };
      return { result: { editions: await searchEditions({ ...request, patterns }, session), groups: [] } };
    });
  }

  render({ editions, groups }: Found, terminal: Terminal): void {
    if (this.#csv) {
      if (groups.length > 0) csvListing(terminal, groupCsv, groups.flatMap(rowsOf));
      else csvListing(terminal, foundColumns, editions);
      return;
    }
    for (const { group, autoInstalled, excluded } of groups) {
      const auto = `Installed by itself for ${group}`;
      const not = `Excluded for ${group}`;
      showListing(terminal, foundColumns, autoInstalled, { title: auto, empty: `${auto}: none` });
      showListing(terminal, foundColumns, excluded, { title: not, empty: `${not}: none` });
    }
    if (this.#withGroups && editions.length > 0) {
      showListing(terminal, groupColumns, editions, { title: 'Editions and their groups' });
      return;
    }
    for (const [basename, family] of Map.groupBy(editions, (edition) => edition.basename))
      showListing(terminal, foundColumns, family, { title: `Editions of ${basename}` });
  }
}

function rowsOf({ group, autoInstalled, excluded }: FoundGroup): GroupRow[] {
  return [
    ...autoInstalled.map((edition) => ({ group, scope: 'auto' as const, edition })),
    ...excluded.map((edition) => ({ group, scope: 'excluded' as const, edition })),
  ];
}
