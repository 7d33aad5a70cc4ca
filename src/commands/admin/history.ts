import { Args, Flags } from '@oclif/core';
import type { History, ShownEvent, VerifiedHistory } from '../../admin/history.ts';
import { readingDepot, readText } from '../../cli/admin-here.ts';
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

type Shown = History | VerifiedHistory;

export default class AdminHistory extends AdminCommand<Shown, typeof AdminHistory> {
  static override summary = 'Show every change of the depot: who, when, what, before and after.';
  static override examples = [
    '<%= config.bin %>admin history',
    '<%= config.bin %>admin history transmogrifier-2.1.2-1',
    '<%= config.bin %>admin history --who sally --since 7d',
    '<%= config.bin %>admin history lab --json',
    '<%= config.bin %>admin history --verify',
    '<%= config.bin %>admin history --all --json > history.json',
    '<%= config.bin %>admin history --verify --from history.json',
  ];
  static override description =
    'Every event carries the hash of the one before, and signed metadata remembers the newest. --verify reads all of it and names what was ' +
    'altered, removed or put in (33). It tells the newest event and its hash: whoever notes that can hold a later history against it (--newest).';
  static override flags = {
    ...listingFlags,
    who: Flags.string({ helpValue: 'NAME', summary: 'Only what this admin did.' }),
    since: Flags.string({ helpValue: 'TIME', summary: 'Only since then: 2026-01-31, or 7d ago.' }),
    limit: wholeNumber({ min: 1, default: LIMIT, helpValue: 'NUMBER', summary: 'The newest so many.' }),
    all: Flags.boolean({ summary: 'All of them.' }),
    verify: Flags.boolean({ summary: 'Read the whole history, and find what was changed in it.', exclusive: ['csv'] }),
    newest: Flags.string({
      helpValue: 'ID:HASH',
      summary: 'An event as an earlier verification told it: it must still be there.',
      dependsOn: ['verify'],
    }),
    from: Flags.string({
      helpValue: 'FILE',
      summary: 'Verify what "history --all --json" wrote instead, without a depot.',
      dependsOn: ['verify'],
    }),
  };
  static override args = {
    edition: Args.string({
      name: 'edition',
      description: 'An edition, its id, a basename, or the name of a group, script or mirror; deleted ones too.',
    }),
  };

  #csv = false;

  async execute(context: ContextOf<typeof AdminHistory>): Promise<Outcome<Shown>> {
    const { showHistory } = await import('../../admin/history.ts');
    const { flags, args } = context;
    if (flags.verify) return this.#verified(context);
    this.#csv = flags.csv;
    const since = timeOf('--since', flags.since);
    const request = { target: args.edition ?? null, who: flags.who, since, limit: flags.all ? null : flags.limit };
    const result = await readingDepot(context, (session) => showHistory(request, session));
    const cut = `only the newest ${flags.limit} changes are shown; --limit shows more`;
    return { result, warnings: result.isCut ? [cut] : [] };
  }

  async #verified(context: ContextOf<typeof AdminHistory>): Promise<Outcome<Shown>> {
    const { brokenHistory, verifyHistory, verifyHistoryFile } = await import('../../admin/history.ts');
    const { newest = null, from } = context.flags;
    const result =
      from === undefined
        ? await readingDepot(context, (session) => verifyHistory(newest, session))
        : await verifyHistoryFile(readText(from), newest, from);
    const alone =
      'nothing that is signed remembers the end of this history: that events at its end were taken away would not show';
    return {
      result,
      errors: result.problems.length === 0 ? [] : [brokenHistory(result)],
      warnings: result.anchors === 0 ? [alone] : [],
    };
  }

  render(result: Shown, terminal: Terminal): void {
    if ('problems' in result) {
      const { events, newest, problems } = result;
      const count = `${events} event${events === 1 ? '' : 's'}`;
      const verdict =
        problems.length === 0 ? 'each is what was written, and none is missing' : `${problems.length} wrong`;
      terminal.result(`${count}, ${verdict}. The newest is ${newest.id}:${newest.hash}`);
      return;
    }
    const { events } = result;
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
