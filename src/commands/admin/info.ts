import type { EditionInfo } from '../../admin/show.ts';
import { readingDepot } from '../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome, targets } from '../../cli/base.ts';
import { editionText } from '../../cli/details-text.ts';
import { eachTarget } from '../../cli/each-target.ts';
import type { Terminal } from '../../terminal/terminal.ts';

export default class AdminInfo extends AdminCommand<EditionInfo[], typeof AdminInfo> {
  static override summary = 'Show everything the depot knows of an edition.';
  static override examples = ['<%= config.bin %>admin info transmogrifier'];
  static override args = {
    target: targets('target', 'An edition, its id, or a basename, which means its live edition.'),
  };

  async execute(context: ContextOf<typeof AdminInfo>): Promise<Outcome<EditionInfo[]>> {
    const { editionInfo } = await import('../../admin/show.ts');
    return readingDepot(context, async (session) => {
      const { results, errors, exit } = await eachTarget(context.args.target, (target) => editionInfo(target, session));
      return { result: results, errors, exit };
    });
  }

  render(infos: EditionInfo[], terminal: Terminal): void {
    terminal.result(infos.map(({ edition, ...groups }) => editionText(edition, groups)).join('\n\n'));
  }
}
