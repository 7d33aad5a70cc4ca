import { type CommandContext, type CommandOutcome, MachineCommand } from '@d3/sdk/command';
import { Flags } from '@oclif/core';
import type { SetUp } from '../../client/setup.ts';

export default class ClientSetup extends MachineCommand<SetUp> {
  static override summary = 'Make this machine ready to be deployed over SSH.';
  static override description =
    'Reads the answers of d3 proxy answers. The key goes into authorized_keys, once; where a Puppet server is named, the agent’s service is switched off ' +
    'until a deployment hands the machine over to it, puppet.conf names the server, and the machine is registered by a run that changes nothing. Done ' +
    'again it does what is missing. With --json the answer has what d3 client register takes in on the controller.';
  static override examples = [
    '<%= config.bin %> client setup --answers answers.json',
    '<%= config.bin %> client setup --answers answers.json --dry-run',
  ];
  static override flags = {
    answers: Flags.string({ helpValue: 'FILE', required: true, summary: 'What d3 proxy answers printed.' }),
    certname: Flags.string({ helpValue: 'FQDN', summary: 'Name of its certificate; else as it is called.' }),
    'dry-run': Flags.boolean({ summary: 'Say what would be done; change nothing.' }),
  };

  async execute({ flags, ports }: CommandContext): Promise<CommandOutcome<SetUp>> {
    const [{ readAnswers }, { setUpClient }] = await Promise.all([
      import('../../client/answers-file.ts'),
      import('../../client/setup.ts'),
    ]);
    const answers = await readAnswers(flags['answers'] as string);
    return setUpClient(answers, await ports(), {
      certname: (flags['certname'] as string | undefined) ?? null,
      dryRun: flags['dry-run'] === true,
      platform: process.platform,
    });
  }

  text({ changed }: SetUp): string {
    return changed.length === 0 ? 'There is nothing to change.' : changed.map((one) => `- ${one}`).join('\n');
  }
}
