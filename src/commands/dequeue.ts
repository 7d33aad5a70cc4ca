import { type ContextOf, targets } from '../cli/base.ts';
import { changingFlags, installingFlags } from '../cli/flags.ts';
import type { MachineHere } from '../cli/machine.ts';
import { optionalAdmin } from '../cli/optional-admin.ts';
import { RequestCommand } from '../cli/request-command.ts';
import type { Request } from '../planner/types.ts';

export default class Dequeue extends RequestCommand<typeof Dequeue> {
  static override summary = 'Take packages off the queue of those that wait for a restart.';
  static override description = 'What is installed stays. The file that was kept for it is thrown away.';
  static override aliases = ['dq'];
  static override examples = ['<%= config.bin %> dequeue transmogrifier', '<%= config.bin %> dequeue all'];
  static override flags = { ...changingFlags, admin: installingFlags.admin };
  static override args = { target: targets('target', 'A basename, the edition that is queued, or all.') };

  protected override request(
    { args, flags }: ContextOf<typeof Dequeue>,
    here: MachineHere,
  ): { request: Request; admin: string } {
    const admin = optionalAdmin(flags.admin, here);
    return { admin, request: { kind: 'dequeue', targets: args.target } };
  }
}
