import { combineExitCodes } from '@d3/sdk';
import { Flags } from '@oclif/core';
import type { ReportResult } from '../../admin/report.ts';
import { REPORT_TYPES, type ReportType } from '../../catalog/statuses.ts';
import { readingDepot } from '../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome, targets } from '../../cli/base.ts';
import { catalogEndText } from '../../cli/computer-text.ts';
import { walkthruFlags } from '../../cli/flags.ts';
import { ageText, csvListing, listingFlags, showListing, statusesOf, statusFlag } from '../../cli/listing.ts';
import { installedColumns, problemColumns, queuedColumns } from '../../cli/report-columns.ts';
import { fields } from '../../cli/table-text.ts';
import type { Terminal } from '../../terminal/terminal.ts';

const TITLES: Readonly<Record<ReportType, string>> = {
  installed: 'Installed',
  pilot: 'Piloting',
  deprecated: 'Out of date',
  computer: 'Installed',
};

export default class AdminReport extends AdminCommand<ReportResult, typeof AdminReport> {
  static override summary = 'Report what machines have: by basename, or by computer.';
  static override description =
    'It is as old as the newest report of each machine, which stands in every row. Types: "installed" (any edition), "pilot" (installed as a pilot), "deprecated" (older than the live edition), "computer" (targets are computers). Targets are basenames, or with --computers names or ids of computers; "all" means every one.';
  static override examples = [
    '<%= config.bin %>admin report --type installed transmogrifier',
    '<%= config.bin %>admin report --type pilot transmogrifier',
    '<%= config.bin %>admin report --type deprecated all --csv',
    '<%= config.bin %>admin report --type computer lab-1',
    '<%= config.bin %>admin report --computers lab-1 --queue',
    '<%= config.bin %>admin report transmogrifier -S deprecated,skipped -z',
    '<%= config.bin %>admin report -w',
  ];
  static override flags = {
    ...listingFlags,
    ...statusFlag,
    ...walkthruFlags,
    type: Flags.string({
      options: [...REPORT_TYPES],
      helpValue: 'TYPE',
      summary: `One of ${REPORT_TYPES.join(', ')}.`,
    }),
    computers: Flags.boolean({ summary: 'The targets are computers.' }),
    frozen: Flags.boolean({ char: 'z', summary: 'Only what is frozen there.' }),
    queue: Flags.boolean({ char: 'q', summary: 'What waits for a restart instead of what is installed.' }),
  };
  static override args = { target: targets('target', 'Basenames, or with --computers computers; "all" is every one.') };

  #csv = false;
  #queue = false;

  async execute(context: ContextOf<typeof AdminReport>): Promise<Outcome<ReportResult>> {
    const { report } = await import('../../admin/report.ts');
    const { flags, args, terminal } = context;
    this.#csv = flags.csv;
    const type = (flags.type ?? (flags.computers ? 'computer' : 'installed')) as ReportType;
    const statuses = statusesOf(flags.status);
    const { computers, queue, frozen } = flags;
    let request = { type, targets: args.target, computers, queue, frozen, statuses };
    const { result, errors } = await readingDepot(context, async (session) => {
      if (flags.walkthru) {
        const { walkReport } = await import('../../cli/walkthru/report.ts');
        const walked = await walkReport(terminal, session);
        request = { ...request, ...walked, computers: false, statuses: statusesOf(walked.statuses) };
      }
      return report(request, session);
    });
    this.#queue = request.queue;
    const answered = new Set(request.targets).size - errors.length;
    const codes = [...Array.from({ length: answered }, () => 0), ...errors.map(({ exitCode }) => exitCode)];
    return { result, errors, exit: combineExitCodes(codes) };
  }

  render(result: ReportResult, terminal: Terminal): void {
    const { type, computers, installed, queued, problems } = result;
    if (this.#csv) {
      if (this.#queue) csvListing(terminal, queuedColumns, queued);
      else csvListing(terminal, [...installedColumns], [...installed]);
      return;
    }
    for (const computer of computers) {
      const { name, id, os, cpu, d3, user, lastContact, ageSeconds, command, exit, failure } = computer;
      const last = `${command}, exit ${exit}${failure === null ? '' : `: ${failure}`}`;
      const lines: [string, string][] = [
        ['Computer', `${name} (${id})`],
        ['User', user ?? '-'],
        ['System', `${os.name} ${os.version}, ${cpu}, d3 ${d3}`],
        ['As of', `${lastContact}, ${ageText(ageSeconds)} ago`],
        ['Last run', last],
        ...catalogEndText(computer),
      ];
      terminal.result(fields(lines));
    }
    const title = this.#queue ? 'Waiting for a restart' : TITLES[type];
    if (this.#queue) showListing(terminal, queuedColumns, queued, { title, empty: `${title}: nothing` });
    else showListing(terminal, installedColumns, installed, { title, empty: `${title}: nothing` });
    if (problems.length > 0)
      showListing(terminal, problemColumns, problems, { title: 'Failed or held up, and not installed' });
  }
}
