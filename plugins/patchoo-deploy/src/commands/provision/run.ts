import { adminFlag, type CommandContext, type CommandOutcome } from '@d3/sdk/command';
import { Flags } from '@oclif/core';
import { ProvisionCommand } from '../../provision-command.ts';
import type { Status } from '../../status.ts';

export default class ProvisionRun extends ProvisionCommand {
  static override summary = 'Go on with the deployment of this machine.';
  static override description =
    'Until the machine is released, a failure holds it, or it restarts. One process at a time does so. While it waits to be told what ' +
    'it is, or for the depot, it stays and looks again; with --no-wait it ends then. Ends with 42 for a restart, 43 holding, 44 held ' +
    'by a failure, 20 while the depot does not answer, 41 when another process is at it.';
  static override examples = ['<%= config.bin %> provision run', '<%= config.bin %> provision run --no-wait'];
  static override flags = {
    ...adminFlag,
    // A flag of its own: waiting is what it does.
    'no-wait': Flags.boolean({ summary: 'Look once at what it waits for, and end.' }),
  };

  async execute(context: CommandContext): Promise<CommandOutcome<Status>> {
    const { advance } = await import('../../advance.ts');
    const parts = await this.parts(context);
    await advance(parts, { stays: context.flags['no-wait'] !== true, by: await context.admin('perhaps') });
    return this.ended(context);
  }
}
