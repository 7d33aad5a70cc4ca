import { type ContextOf, targets } from '../cli/base.ts';
import { installingFlags } from '../cli/flags.ts';
import type { MachineHere } from '../cli/machine.ts';
import { optionalAdmin } from '../cli/optional-admin.ts';
import { RequestCommand } from '../cli/request-command.ts';
import type { Request } from '../planner/types.ts';

export default class Uninstall extends RequestCommand<typeof Uninstall> {
  static override summary = 'Remove what an edition installed: its files and nothing else.';
  static override description = 'Files that another package names too stay. A pilot is taken off with depilot instead.';
  static override aliases = ['u'];
  static override examples = ['<%= config.bin %> uninstall transmogrifier'];
  static override flags = { ...installingFlags };
  static override args = { target: targets('target', 'A basename, or the edition that is installed.') };

  protected override request(
    { args, flags }: ContextOf<typeof Uninstall>,
    here: MachineHere,
  ): { request: Request; admin: string } {
    const admin = optionalAdmin(flags.admin, here);
    return { admin, request: { kind: 'uninstall', targets: args.target, force: flags.force } };
  }
}
