import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Args, Flags } from '@oclif/core';
import type { Registered } from '../../client/registration.ts';

export default class ClientRegister extends DepotCommand<Registered> {
  static override summary = 'Take a host in that was set up: its host keys, and what it is.';
  static override description =
    'Reads what d3 client setup --json printed on the host. Its host keys are known from then on, so that nobody can stand in between.';
  static override examples = ['<%= config.bin %> client register web1.json --proxy dmz'];
  static override args = { file: Args.string({ required: true, description: 'What d3 client setup --json printed.' }) };
  static override flags = {
    proxy: Flags.string({ helpValue: 'NAME', summary: 'The proxy it is behind.' }),
    address: Flags.string({ helpValue: 'ADDRESS', summary: 'Where it is reached; else by its name.' }),
    accept: Flags.boolean({ summary: 'Take its host keys in place of others that are on record.' }),
  };

  async execute({ args, flags, depot }: CommandContext): Promise<CommandOutcome<Registered>> {
    const [{ readJsonFile }, { checkRegistration, registerHost }] = await Promise.all([
      import('../../client/answers-file.ts'),
      import('../../client/registration.ts'),
    ]);
    const file = args['file'] as string;
    const registration = checkRegistration(await readJsonFile(file), file);
    const { proxy = null, address = null, accept } = flags as { proxy?: string; address?: string; accept?: boolean };
    const how = { proxy, address, accept: accept === true };
    return { result: await depot('changes', (admin) => registerHost(admin, registration, how)) };
  }

  text({ host, made, changed, hostKeys }: Registered): string {
    if (!changed) return `The host ${host} is known already, just so.`;
    return `The host ${host} is ${made ? 'known' : 'changed'}, with ${hostKeys} host keys.`;
  }
}
