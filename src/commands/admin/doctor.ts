import { D3Error } from '@d3/sdk';
import { Flags } from '@oclif/core';
import type { Finding } from '../../admin/doctor.ts';
import { changingDepot } from '../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../cli/base.ts';
import type { Terminal } from '../../terminal/terminal.ts';

export default class AdminDoctor extends AdminCommand<Finding[], typeof AdminDoctor> {
  static override summary = 'Look whether everything in the depot is as it should be; mend what can be mended.';
  static override description =
    'Reads every byte of every file. Looks for basenames with no or several live editions, missing and damaged files, content nothing needs, what cut commands left, and scripts nothing uses.';
  static override examples = ['<%= config.bin %>admin doctor', '<%= config.bin %>admin doctor --fix'];
  static override flags = {
    fix: Flags.boolean({ summary: 'Remove what nothing needs, set aside what is damaged. Nothing else is changed.' }),
  };

  async execute(context: ContextOf<typeof AdminDoctor>): Promise<Outcome<Finding[]>> {
    const { examineDepot } = await import('../../admin/doctor.ts');
    const findings = await changingDepot(context, (session, { settings }) =>
      examineDepot(session, context.flags.fix, settings.liveScript),
    );
    const left = findings.filter(({ weight, fixed }) => weight === 'problem' && !fixed);
    const errors = left.map(
      ({ code, target, text, action }) =>
        new D3Error(code, 'failed', `${target}: ${text}`, { target, actions: action === null ? [] : [action] }),
    );
    return { result: findings, errors, ...(errors.length > 0 ? { exit: 1 } : {}) };
  }

  render(findings: Finding[], terminal: Terminal): void {
    const lines = findings
      .filter(({ weight, fixed }) => weight === 'note' || fixed)
      .map(({ target, text, fix, fixed }) => `${target}: ${text}${fixed ? `: ${fix}` : ''}`);
    terminal.result(findings.length === 0 ? 'Everything is as it should be.' : lines.join('\n'));
  }
}
