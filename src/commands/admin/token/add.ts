import { Args, Flags } from '@oclif/core';
import { changingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import { wholeNumber } from '../../../cli/flags.ts';
import type { Token } from '../../../depot/index.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

interface Made {
  token: Token;
  secret: string;
}

export default class AdminTokenAdd extends AdminCommand<Made, typeof AdminTokenAdd> {
  static override summary = 'Let somebody use the depot over the network.';
  static override description =
    'The token is shown this once; the depot keeps only its hash. Its name stands in history for who did something. A viewer looks; a ' +
    'packager adds and edits pilots, scripts and categories; a releaser also makes live and changes groups and policies; an admin may do ' +
    'everything; a technician is told the provisioning of one computer and nothing else.';
  static override examples = [
    '<%= config.bin %>admin token add sally --role releaser',
    '<%= config.bin %>admin token add ci-build --role packager --days 90',
    '<%= config.bin %>admin token add bench-3 --role technician --computer mac-a',
  ];
  static override flags = {
    role: Flags.string({
      helpValue: 'ROLE',
      summary: 'viewer, packager, releaser, technician or admin.',
      required: true,
    }),
    computer: Flags.string({ helpValue: 'COMPUTER', summary: 'The one a technician may ask about.' }),
    days: wholeNumber({ helpValue: 'DAYS', min: 1, summary: 'How long it is good for; for ever unless said.' }),
  };
  static override args = {
    name: Args.string({ name: 'name', description: 'Who or what it is for.', required: true }),
  };

  async execute(context: ContextOf<typeof AdminTokenAdd>): Promise<Outcome<Made>> {
    const { addToken } = await import('../../../admin/tokens.ts');
    const { role, computer, days } = context.flags;
    const request = { name: context.args.name, role, computer, days };
    return { result: await changingDepot(context, (session) => addToken(request, session)) };
  }

  render({ token, secret }: Made, terminal: Terminal): void {
    terminal.result(secret);
    terminal.progress(
      `That is the token of ${token.name} (${token.role}), shown this once. It is kept by: d3admin config credentials ${token.name}`,
    );
  }
}
