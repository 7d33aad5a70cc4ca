import { Args, Flags } from '@oclif/core';
import { ClientCommand, type ContextOf, type Outcome } from '../cli/base.ts';
import { changingFlags } from '../cli/flags.ts';
import { PATIENCE } from '../cli/patience.ts';
import type { EnrolledHere } from '../client/enroll.ts';
import type { Terminal } from '../terminal/terminal.ts';

export default class Enroll extends ClientCommand<EnrolledHere, typeof Enroll> {
  static override summary = 'Make this machine one of a served depot’s.';
  static override description =
    'It gets a key of its own, by which it reports, and the depot is set in its configuration. An admin makes the code: d3admin enrol code. ' +
    'A machine the depot knows already keeps its record there; it needs a one-time code, or an admin who approves. The command may be ' +
    'repeated. Whoever reads the processes of this host sees the code: in scripts give it as D3_FLAG_CODE.';
  static override aliases = ['enrol'];
  static override examples = ['<%= config.bin %> enroll https://depot.example.org --code d3c_…'];
  static override flags = {
    wait: changingFlags.wait,
    code: Flags.string({ helpValue: 'CODE', summary: 'The code an admin gave.', required: true }),
  };
  static override args = {
    url: Args.string({ name: 'url', description: 'The address of the depot.', required: true }),
  };

  async execute(context: ContextOf<typeof Enroll>): Promise<Outcome<EnrolledHere>> {
    const { enrollHere } = await import('../cli/enroll-here.ts');
    const { code, wait = PATIENCE } = context.flags;
    return { result: await enrollHere(context.args.url, code, wait, context) };
  }

  render({ depot, computer, before }: EnrolledHere, terminal: Terminal): void {
    const known = before === null ? '' : ` The depot knew it already: it was ${before} here until now.`;
    terminal.result(`This machine is enrolled at ${depot} as ${computer}.${known}`);
  }
}
