import { type ContextOf, targets } from '../cli/base.ts';
import { changingFlags, installingFlags } from '../cli/flags.ts';
import type { MachineHere } from '../cli/machine.ts';
import { optionalAdmin } from '../cli/optional-admin.ts';
import { RequestCommand } from '../cli/request-command.ts';
import type { Request } from '../planner/types.ts';

export default class Thaw extends RequestCommand<typeof Thaw> {
  static override summary = 'Let sync update frozen packages again.';
  static override aliases = ['t'];
  static override examples = ['<%= config.bin %> thaw transmogrifier'];
  static override flags = { ...changingFlags, admin: installingFlags.admin };
  static override args = { target: targets('target', 'A basename, or the edition that is installed.') };

  protected override request(
    { args, flags }: ContextOf<typeof Thaw>,
    here: MachineHere,
  ): { request: Request; admin: string } {
    const admin = optionalAdmin(flags.admin, here);
    return { admin, request: { kind: 'thaw', targets: args.target, admin } };
  }
}
