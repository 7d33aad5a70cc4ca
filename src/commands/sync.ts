import { D3Error } from '@d3/sdk';
import { Flags } from '@oclif/core';
import type { ContextOf, Outcome } from '../cli/base.ts';
import { deferralFlags, duration, installingFlags } from '../cli/flags.ts';
import type { MachineHere } from '../cli/machine.ts';
import { LEFT_TO_ANOTHER, RequestCommand, type RunShown } from '../cli/request-command.ts';
import { AUTO_INSTALL_ADMIN } from '../planner/sync.ts';
import type { Request } from '../planner/types.ts';

export default class Sync extends RequestCommand<typeof Sync> {
  static override summary = 'Bring this machine to what the depot wants of it.';
  static override description =
    'Refreshes receipts, lets pilots go live whose edition did, updates what is installed, then installs what this machine should have by itself. ' +
    'What needs a restart is queued, unless -p is given. Frozen packages and pilots are left alone. One failing package never stops the others.';
  static override aliases = ['s'];
  static override examples = ['<%= config.bin %> sync', '<%= config.bin %> sync --dry-run'];
  static override flags = {
    ...installingFlags,
    ...deferralFlags,
    'if-idle': Flags.boolean({ summary: 'Do nothing, and end well, while another run is at work.' }),
    spread: duration({ helpValue: 'TIME', summary: 'Begin after a random time up to this: 30m.' }),
  };

  protected override patience = 0;
  protected override readonly totals = true;

  override async execute(context: ContextOf<typeof Sync>): Promise<Outcome<RunShown>> {
    const { flags, signal } = context;
    if (flags.spread !== undefined) {
      const { pauseUpTo } = await import('../cli/pause.ts');
      await pauseUpTo(flags.spread, signal);
    }
    try {
      return await super.execute(context as never);
    } catch (error) {
      if (!flags['if-idle'] || !(error instanceof D3Error) || error.exit !== 'busy') throw error;
      return { result: LEFT_TO_ANOTHER, warnings: [`${error.message} This sync was left out.`] };
    }
  }

  protected override request(
    { flags, inputs }: ContextOf<typeof Sync>,
    here: MachineHere,
  ): { request: Request; admin: string } {
    if (inputs.safeMode) {
      throw new D3Error(
        'SAFE_MODE',
        'refused',
        'Sync does not run in safe mode: without plugins it could let gated packages through.',
        {
          target: 'D3_SAFE_MODE',
          actions: ['run it without D3_SAFE_MODE'],
        },
      );
    }
    const admin = flags.admin === undefined ? AUTO_INSTALL_ADMIN : here.admin(flags.admin);
    return { admin, request: { kind: 'sync', force: flags.force, puppies: flags.puppies } };
  }
}
