import { changingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import { enrolmentNumbers, numbersArgument } from '../../../cli/enrolment-text.ts';
import type { Enrolment } from '../../../depot/index.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

export default class AdminEnrolRefuse extends AdminCommand<Enrolment[], typeof AdminEnrolRefuse> {
  static override summary = 'Refuse machines that wait.';
  static override description = 'What they asked with is good for nothing from now on.';
  static override examples = ['<%= config.bin %>admin enrol refuse 12'];
  static override args = { number: numbersArgument };

  async execute(context: ContextOf<typeof AdminEnrolRefuse>): Promise<Outcome<Enrolment[]>> {
    const { decideEnrolments } = await import('../../../admin/enrolment.ts');
    const numbers = enrolmentNumbers(context.args.number);
    const { decided, errors } = await changingDepot(context, (session) =>
      decideEnrolments(numbers, 'refuse', null, session),
    );
    return { result: decided, errors };
  }

  render(enrolments: Enrolment[], terminal: Terminal): void {
    for (const { computer } of enrolments) terminal.result(`${computer.name} was refused.`);
  }
}
