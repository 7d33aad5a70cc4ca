import type { CommandContext, CommandOutcome } from '@d3/sdk/command';
import { Flags } from '@oclif/core';
import { ProvisionCommand } from '../../provision-command.ts';
import type { Status } from '../../status.ts';

export default class ProvisionLock extends ProvisionCommand {
  static override summary = 'Lock the screen of this machine until its deployment is over.';
  static override description =
    'Shows how the deployment goes, and does nothing of it: it may be ended and started again at any moment. What starts it by itself is ' +
    'laid down by d3 provision setup. With provision.lockCodeFile a code leads out of it; in a terminal it locks nothing.';
  static override examples = ['<%= config.bin %> provision lock', '<%= config.bin %> provision lock --at login'];
  static override endsBySignal = true;
  static override flags = {
    at: Flags.string({
      options: ['login', 'session'],
      summary: 'At the login window of a Mac only, or only before who is logged in; else wherever the screen is.',
    }),
  };

  async execute(context: CommandContext): Promise<CommandOutcome<Status>> {
    const { lockHere } = await import('../../lock/here.ts');
    const { teletypeOf } = await import('../../screen-here.ts');
    const at = (context.flags['at'] as 'login' | 'session' | undefined) ?? null;
    const { keeperFor } = await import('../../asking/keeper.ts');
    const parts = await this.parts(context);
    const ports = await context.ports();
    const { buildAttribute, storedAccount } = parts.settings;
    await lockHere({
      parts,
      ports,
      at,
      keeper: () => keeperFor({ ports, context, buildAttribute, word: null, stored: storedAccount === 'yes' }),
      teletype: at === null ? teletypeOf(context, ports.signal) : null,
    });
    return this.stands(context);
  }
}
