import { D3Error } from '@d3/sdk';
import { Flags } from '@oclif/core';
import { changingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import { wholeNumber } from '../../../cli/flags.ts';
import { moment } from '../../../cli/table-text.ts';
import type { EnrolmentCode } from '../../../depot/index.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

interface Coded {
  code: EnrolmentCode;
  /** Null when one was revoked. */
  secret: string | null;
}

const HOURS = { once: 24, site: 24 * 30 };

export default class AdminEnrolCode extends AdminCommand<Coded, typeof AdminEnrolCode> {
  static override summary = 'Make a code that machines enrol with, or revoke one.';
  static override description =
    'A one-time code is for one machine, also one that is known: it gets its record back, and its old key is revoked. A site code is for ' +
    'any number of new machines; known ones that come with it wait for d3admin enrol approve. A code is shown this once.';
  static override examples = [
    '<%= config.bin %>admin enrol code --once',
    '<%= config.bin %>admin enrol code --site --hours 48 --note "new lab"',
    '<%= config.bin %>admin enrol code --revoke 4',
  ];
  static override flags = {
    once: Flags.boolean({ summary: 'For one machine.', exclusive: ['site', 'revoke'] }),
    site: Flags.boolean({ summary: 'For any number of new machines.', exclusive: ['once', 'revoke'] }),
    hours: wholeNumber({ helpValue: 'HOURS', min: 1, summary: 'How long it is good for: 24, for a site code 720.' }),
    note: Flags.string({ helpValue: 'TEXT', summary: 'What it is for.', default: '' }),
    revoke: wholeNumber({ helpValue: 'NUMBER', min: 1, summary: 'Revoke the code with this number instead.' }),
  };

  async execute(context: ContextOf<typeof AdminEnrolCode>): Promise<Outcome<Coded>> {
    const { addCode, revokeCode } = await import('../../../admin/enrolment.ts');
    const { once, site, hours, note, revoke } = context.flags;
    if (revoke !== undefined) {
      const code = await changingDepot(context, (session) => revokeCode(revoke, session));
      return { result: { code, secret: null } };
    }
    if (!once && !site) {
      throw new D3Error('CODE_KIND', 'usage', 'Say what the code is for.', {
        target: '--once, --site',
        actions: ['give --once for one machine, --site for any number of new ones'],
      });
    }
    const kind = once ? 'once' : 'site';
    return { result: await changingDepot(context, (session) => addCode(kind, note, hours ?? HOURS[kind], session)) };
  }

  render({ code, secret }: Coded, terminal: Terminal): void {
    if (secret === null) {
      terminal.result(`Code ${code.id} enrols nothing any more.`);
      return;
    }
    terminal.result(secret);
    terminal.progress(`That is code ${code.id}, shown this once and good until ${moment(code.expiresAt)}.`);
  }
}
