import { Flags } from '@oclif/core';
import { changingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import { enrolmentNumbers, numbersArgument } from '../../../cli/enrolment-text.ts';
import type { Enrolment } from '../../../depot/index.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

export default class AdminEnrolApprove extends AdminCommand<Enrolment[], typeof AdminEnrolApprove> {
  static override summary = 'Let machines in that wait.';
  static override description =
    'A machine that is known gets its record back, and the key it had before is revoked. It learns of it when it asks again: d3 enroll.';
  static override examples = ['<%= config.bin %>admin enrol approve 12'];
  static override flags = {
    computer: Flags.string({ helpValue: 'ID', summary: 'Which computer it is, where it may be several.' }),
  };
  static override args = { number: numbersArgument };

  async execute(context: ContextOf<typeof AdminEnrolApprove>): Promise<Outcome<Enrolment[]>> {
    const { decideEnrolments } = await import('../../../admin/enrolment.ts');
    const numbers = enrolmentNumbers(context.args.number);
    const { decided, errors } = await changingDepot(context, (session) =>
      decideEnrolments(numbers, 'approve', context.flags.computer ?? null, session),
    );
    return { result: decided, errors };
  }

  render(enrolments: Enrolment[], terminal: Terminal): void {
    for (const { computer, became } of enrolments) terminal.result(`${computer.name} is enrolled as ${became}.`);
  }
}
