import { type ContextOf, targets } from '../cli/base.ts';
import { changingFlags, installingFlags } from '../cli/flags.ts';
import type { MachineHere } from '../cli/machine.ts';
import { optionalAdmin } from '../cli/optional-admin.ts';
import { RequestCommand } from '../cli/request-command.ts';
import type { Request } from '../planner/types.ts';

export default class Forget extends RequestCommand<typeof Forget> {
  static override summary = "Drop d3's record of packages; their files stay where they are.";
  static override aliases = ['fg'];
  static override examples = ['<%= config.bin %> forget transmogrifier'];
  static override flags = { ...changingFlags, admin: installingFlags.admin };
  static override args = { target: targets('target', 'A basename, or the edition that is installed.') };

  protected override request(
    { args, flags }: ContextOf<typeof Forget>,
    here: MachineHere,
  ): { request: Request; admin: string } {
    const admin = optionalAdmin(flags.admin, here);
    return { admin, request: { kind: 'forget', targets: args.target } };
  }
}
