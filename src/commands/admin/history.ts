import { Args, Flags } from '@oclif/core';
import type { History, ShownEvent } from '../../admin/history.ts';
import { readingDepot } from '../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../cli/base.ts';
import { wholeNumber } from '../../cli/flags.ts';
import { csvListing, type ListingColumn, listingFlags, showListing, timeOf } from '../../cli/listing.ts';
import { moment } from '../../cli/table-text.ts';
import type { Terminal } from '../../terminal/terminal.ts';

const LIMIT = 200;

const columns: readonly ListingColumn<ShownEvent>[] = [
  { header: 'When', name: 'at', value: ({ at }) => at, text: ({ at }) => moment(at) },
  { header: 'Who', name: 'by', value: ({ by }) => by },
  { header: 'What', name: 'what', value: ({ what }) => what },
  { header: 'Kind', name: 'kind', value: ({ target }) => target.kind, text: null },
  { header: 'Id', name: 'id', value: ({ target }) => target.id, text: null },
  { header: 'Target', name: 'target', value: ({ target }) => target.name, text: targetText },
  { header: 'Before', name: 'before', value: ({ before }) => jsonOf(before), text: null },
  { header: 'After', name: 'after', value: ({ after }) => jsonOf(after), text: null },
  { header: 'Change', name: 'change', value: changeText },
];

export default class AdminHistory extends AdminCommand<History, typeof AdminHistory> {
  static override summary = 'Show every change of the depot: who, when, what, before and after.';
  static override examples = [
    '<%= config.bin %>admin history',
    '<%= config.bin %>admin history transmogrifier-2.1.2-1',
    '<%= config.bin %>admin history --who sally --since 7d',
    '<%= config.bin %>admin history lab --json',
  ];
  static override flags = {
    ...listingFlags,
    who: Flags.string({ helpValue: 'NAME', summary: 'Only what this admin did.' }),
    since: Flags.string({ helpValue: 'TIME', summary: 'Only since then: 2026-01-31, or 7d ago.' }),
    limit: wholeNumber({ min: 1, default: LIMIT, helpValue: 'NUMBER', summary: 'The newest so many.' }),
  };
  static override args = {
    edition: Args.string({
      name: 'edition',
      description: 'An edition, its id, a basename, or the name of a group, script or mirror; deleted ones too.',
    }),
  };

  #csv = false;

  async execute(context: ContextOf<typeof AdminHistory>): Promise<Outcome<History>> {
    const { showHistory } = await import('../../admin/history.ts');
    const { flags, args } = context;
    this.#csv = flags.csv;
    const since = timeOf('--since', flags.since);
    const request = { target: args.edition ?? null, who: flags.who, since, limit: flags.limit };
    const result = await readingDepot(context, (session) => showHistory(request, session));
    const cut = `only the newest ${flags.limit} changes are shown; --limit shows more`;
    return { result, warnings: result.isCut ? [cut] : [] };
  }

  render({ events }: History, terminal: Terminal): void {
    if (this.#csv) csvListing(terminal, columns, events);
    else showListing(terminal, columns, events, { title: 'Changes of the depot', empty: 'Changes of the depot: none' });
  }
}

function targetText({ target }: ShownEvent): string {
  return target.kind === 'edition' ? target.name : `${target.kind} ${target.name}`;
}

function changeText({ changes }: ShownEvent): string {
  return changes.map(({ what, before, after }) => `${what}: ${valueText(before)} => ${valueText(after)}`).join('; ');
}

function valueText(value: unknown): string {
  if (value === null || value === '') return 'none';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function jsonOf(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value);
}
