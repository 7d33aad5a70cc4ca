import { D3Error } from '@d3/sdk';
import { Args, Flags } from '@oclif/core';
import type { GroupTest } from '../../../admin/groups.ts';
import { readingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import { ageWords } from '../../../cli/computer-text.ts';
import { listed } from '../../../cli/table-text.ts';
import { commaList } from '../../../cli/words.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

export default class AdminGroupTest extends AdminCommand<GroupTest[], typeof AdminGroupTest> {
  static override summary = 'Try a group, or criteria before there is one, on what computers last reported.';
  static override description = 'Without --computers those are shown that would be in. Nothing is changed.';
  static override examples = [
    "<%= config.bin %>admin group test --criteria 'os is macOS and os-version < 14'",
    '<%= config.bin %>admin group test old-macs --computers mac-a,mac-b',
  ];
  static override flags = {
    criteria: Flags.string({ helpValue: 'CRITERIA', summary: 'What to try instead of a group.' }),
    computers: Flags.string({ helpValue: 'LIST', summary: 'Computers to try it on.' }),
  };
  static override args = { group: Args.string({ name: 'group', description: 'Its name or id.' }) };

  async execute(context: ContextOf<typeof AdminGroupTest>): Promise<Outcome<GroupTest[]>> {
    const { testGroup } = await import('../../../admin/groups.ts');
    const { criteria, computers } = context.flags;
    const { group } = context.args;
    if ((criteria === undefined) === (group === undefined)) {
      throw new D3Error('USAGE', 'usage', 'Name either a group or criteria to try.', {
        target: '--criteria',
        actions: ["d3admin group test GROUP, or d3admin group test --criteria '…'"],
      });
    }
    const wanted = criteria === undefined ? { group: group as string } : { criteria };
    return { result: await readingDepot(context, (session) => testGroup(wanted, commaList(computers), session)) };
  }

  render(tests: GroupTest[], terminal: Terminal): void {
    if (tests.length === 0) terminal.result('Nobody would be in.');
    for (const { computer, isMember, criteria } of tests) {
      terminal.table({
        title: `${computer.name}: ${isMember ? 'in' : 'not in'} (last report: ${ageWords(computer.age)})`,
        columns: ['Criterion', 'Met', 'It has'],
        rows: criteria.map(({ text, values, met }) => [text, met ? 'yes' : 'no', listed(values.slice(0, 10))]),
        empty: `${computer.name}: ${isMember ? 'in' : 'not in'}`,
      });
    }
  }
}
