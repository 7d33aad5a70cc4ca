import path from 'node:path';
import { Args, Flags } from '@oclif/core';
import type { Collected } from '../../admin/site.ts';
import { readText, tendingDepot } from '../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../cli/base.ts';
import type { Terminal } from '../../terminal/terminal.ts';

export default class DepotCollect extends AdminCommand<Collected, typeof DepotCollect> {
  static override summary = 'Take in reports of machines that read a copy of the depot.';
  static override description =
    'From the drop folder of a copy (d3 depot publish --inbox), or from a file of what "d3 ea report" printed on machines, as another ' +
    'inventory exported it: any text with the <result> elements in it, or one report on each line. Without arguments the drop folders of all copies are looked into. ' +
    'Taking something in twice changes nothing.';
  static override examples = [
    '<%= config.bin %> depot collect',
    '<%= config.bin %> depot collect /Volumes/share/d3',
    '<%= config.bin %> depot collect --ea computers.csv',
  ];
  static override flags = {
    ea: Flags.string({
      helpValue: 'FILE',
      summary: 'A file with what "d3 ea report" printed; repeatable.',
      multiple: true,
    }),
  };
  static override args = {
    dir: Args.string({ name: 'dir', description: 'A copy with a drop folder, or a folder of reports.' }),
  };

  async execute(context: ContextOf<typeof DepotCollect>): Promise<Outcome<Collected>> {
    const { collectReports } = await import('../../admin/site.ts');
    const { dir } = context.args;
    const texts = (context.flags.ea ?? []).map((file) => ({ file, text: readText(file) }));
    const folders = dir === undefined ? [] : [path.resolve(dir)];
    const result = await tendingDepot(context, (session) => collectReports(folders, texts, session));
    const none = 'no copy has a drop folder: d3 depot publish --to DIR --inbox';
    return {
      result,
      warnings: [
        ...(folders.length + texts.length + result.folders.length === 0 ? [none] : []),
        ...result.rejected.map(({ file, why }) => `${file} was not taken in: ${why}`),
      ],
    };
  }

  render({ taken, known, rejected }: Collected, terminal: Terminal): void {
    const more = [
      known === 0 ? '' : `${known} known already`,
      rejected.length === 0 ? '' : `${rejected.length} not taken in`,
    ];
    terminal.result(
      [`${taken} report${taken === 1 ? '' : 's'} taken in`, ...more.filter((text) => text !== '')].join(', '),
    );
  }
}
