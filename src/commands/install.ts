import { type ContextOf, targets } from '../cli/base.ts';
import { deferralFlags, installingFlags, receiptFlags } from '../cli/flags.ts';
import { installRequest } from '../cli/install-request.ts';
import type { MachineHere } from '../cli/machine.ts';
import { RequestCommand } from '../cli/request-command.ts';
import type { Request } from '../planner/types.ts';

export default class Install extends RequestCommand<typeof Install> {
  static override summary = 'Install the live edition of a basename, or an edition as it is.';
  static override description =
    'A basename means its live edition and never a pilot. An edition is taken whatever its status: a pilot is piloted, which it says; ' +
    'a deprecated or skipped one, or one older than what is there, needs -f. An edition that is there already is nothing to do.';
  static override aliases = ['i'];
  static override examples = [
    '<%= config.bin %> install transmogrifier',
    '<%= config.bin %> install transmogrifier-2.1.2-1',
    '<%= config.bin %> -f -a sally install transmogrifier',
  ];
  static override flags = { ...installingFlags, ...deferralFlags, ...receiptFlags };
  static override args = { target: targets('target', 'A basename, an edition or an edition id.') };

  protected override request(
    { args, flags }: ContextOf<typeof Install>,
    here: MachineHere,
  ): { request: Request; admin: string } {
    return installRequest('install', args.target, flags, here);
  }
}
