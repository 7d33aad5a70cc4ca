import { type ContextOf, targets } from '../cli/base.ts';
import { deferralFlags, installingFlags, receiptFlags } from '../cli/flags.ts';
import { installRequest } from '../cli/install-request.ts';
import type { MachineHere } from '../cli/machine.ts';
import { RequestCommand } from '../cli/request-command.ts';
import type { Request } from '../planner/types.ts';

export default class Pilot extends RequestCommand<typeof Pilot> {
  static override summary = 'Install a pilot to test it before it goes live.';
  static override description =
    'Sync leaves a pilot alone until that very edition goes live, or until it is taken off with depilot.';
  static override examples = ['<%= config.bin %> pilot transmogrifier-2.1.2-1'];
  static override flags = { ...installingFlags, ...deferralFlags, ...receiptFlags };
  static override args = { edition: targets('edition', 'An edition, or its id.') };

  protected override request(
    { args, flags }: ContextOf<typeof Pilot>,
    here: MachineHere,
  ): { request: Request; admin: string } {
    return installRequest('pilot', args.edition, flags, here);
  }
}
