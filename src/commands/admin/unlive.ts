import { Args } from '@oclif/core';
import { changingDepot } from '../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../cli/base.ts';
import { confirmingFlags } from '../../cli/flags.ts';
import type { Terminal } from '../../terminal/terminal.ts';

interface Unlived {
  edition: string;
  done: boolean;
}

export default class AdminUnlive extends AdminCommand<Unlived, typeof AdminUnlive> {
  static override summary = 'Leave a basename without a live edition: the live one becomes deprecated.';
  static override description =
    'Machines keep what they have; none installs it any more. Making it live again later is a rollback and is asked for as one.';
  static override examples = ['<%= config.bin %>admin unlive transmogrifier -a'];
  static override flags = { ...confirmingFlags };
  static override args = {
    target: Args.string({ name: 'target', description: 'The live edition, its id, or its basename.', required: true }),
  };

  async execute(context: ContextOf<typeof AdminUnlive>): Promise<Outcome<Unlived>> {
    const { unlive } = await import('../../admin/live.ts');
    const { editionMeant } = await import('../../admin/targets.ts');
    const { flags, args, terminal } = context;
    return changingDepot(context, async (session) => {
      const meant = await editionMeant(args.target, session);
      const { edition } = meant;
      if (flags['dry-run']) return { result: { edition, done: false } };
      const details = [`  ${edition}: live -> deprecated`, `  no edition of ${meant.basename} is live then`];
      const agreed =
        flags['auto-confirm'] ||
        (await terminal.confirm({ question: `Leave ${meant.basename} without a live edition?`, details, flag: '-a' }));
      if (agreed) await unlive(meant, session);
      return { result: { edition, done: agreed } };
    });
  }

  render({ edition, done }: Unlived, terminal: Terminal): void {
    terminal.result(
      done
        ? `${edition} is deprecated; its basename has no live edition.`
        : `Nothing was changed: ${edition} would be deprecated.`,
    );
  }
}
