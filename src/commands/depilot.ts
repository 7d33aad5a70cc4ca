import { Flags } from '@oclif/core';
import { type ContextOf, targets } from '../cli/base.ts';
import { installingFlags } from '../cli/flags.ts';
import type { MachineHere } from '../cli/machine.ts';
import { optionalAdmin } from '../cli/optional-admin.ts';
import { RequestCommand } from '../cli/request-command.ts';
import type { Request } from '../planner/types.ts';

export default class Depilot extends RequestCommand<typeof Depilot> {
  static override summary = 'Take a pilot off, and put the live edition back where one stood before.';
  static override examples = [
    '<%= config.bin %> depilot transmogrifier',
    '<%= config.bin %> depilot transmogrifier-2.2.0-1 --leave-off',
  ];
  static override flags = {
    ...installingFlags,
    'leave-off': Flags.boolean({ summary: 'Remove the pilot and put nothing in its place.' }),
  };
  static override args = { target: targets('target', 'A basename, or the edition that is piloted.') };

  protected override request(
    { args, flags }: ContextOf<typeof Depilot>,
    here: MachineHere,
  ): { request: Request; admin: string } {
    const admin = optionalAdmin(flags.admin, here);
    return {
      admin,
      request: { kind: 'depilot', targets: args.target, force: flags.force, leaveOff: flags['leave-off'] },
    };
  }
}
