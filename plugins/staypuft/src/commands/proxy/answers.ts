import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Args, Flags } from '@oclif/core';
import type { ClientAnswers } from '../../proxy/answers.ts';
import { answersFlags } from '../../proxy/answers-flags.ts';

type Answers = {
  answers: ClientAnswers;
  /** Where they were written; null: nowhere. */
  file: string | null;
  /** What is pasted into a terminal of the host. */
  instructions: string;
};

export default class ProxyAnswers extends DepotCommand<Answers> {
  static override summary = 'Print what a host’s owner needs to let d3 in: a file of answers, and what to do with it.';
  static override description =
    'The file has the public key of the proxy and where the Puppet server is; nothing in it is secret. On the host, d3 client setup reads it.';
  static override examples = [
    '<%= config.bin %> proxy answers dmz --server puppet.example.org',
    '<%= config.bin %> proxy answers dmz --from 10.0.0.5 --output answers.json',
  ];
  static override args = { name: Args.string({ required: true, description: 'The proxy.' }) };
  static override flags = {
    ...answersFlags,
    command: Flags.string({ helpValue: 'COMMAND', summary: 'All the key may run: command= of authorized_keys.' }),
    output: Flags.string({ helpValue: 'FILE', summary: 'Write the answers there.' }),
  };

  async execute({ args, flags, depot }: CommandContext): Promise<CommandOutcome<Answers>> {
    const { answersOf, instructions, writeAnswers } = await import('../../proxy/answers.ts');
    const { proxyOf } = await import('../../proxy/store.ts');
    const { server, environment, user, from, command, output } = flags as Record<string, string | undefined>;
    const caServer = flags['ca-server'] as string | undefined;
    const said = Object.entries({ server, caServer, environment, user, from, command });
    const proxy = await depot('reads', (admin) => proxyOf(admin, args['name'] as string));
    const answers = answersOf(proxy, Object.fromEntries(said.filter(([, value]) => value !== undefined)));
    if (output !== undefined) await writeAnswers(output, answers);
    return { result: { answers, file: output ?? null, instructions: instructions(answers) } };
  }

  text({ file, instructions }: Answers): string {
    const written = file === null ? [] : [`The answers are in ${file}.`];
    return [...written, 'Paste this into a terminal of each host:', '', instructions.trimEnd()].join('\n');
  }
}
