import { D3Error } from '@d3/sdk';
import { Args, Flags } from '@oclif/core';
import type { LiveProposal } from '../../admin/live.ts';
import { changingDepot } from '../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../cli/base.ts';
import { confirmingFlags } from '../../cli/flags.ts';
import type { Terminal } from '../../terminal/terminal.ts';

interface MadeLive {
  edition: string;
  done: boolean;
  rollback: boolean;
  effects: LiveProposal['effects'];
}

export default class AdminLive extends AdminCommand<MadeLive, typeof AdminLive> {
  static override summary = 'Make an edition live: machines install it, and update to it.';
  static override description =
    'The edition that was live becomes deprecated, pilots in between are skipped, newer ones are pilots. ' +
    'A skipped or deprecated edition is a rollback: machines go back to it.';
  static override examples = [
    '<%= config.bin %>admin live transmogrifier-2.1.2-1',
    '<%= config.bin %>admin live transmogrifier-2.1.2-1 -a',
  ];
  static override flags = {
    ...confirmingFlags,
    rollback: Flags.boolean({ summary: 'Agree to take machines back to an older edition, where nobody can be asked.' }),
  };
  static override args = {
    edition: Args.string({ name: 'edition', description: 'The edition, or its id.', required: true }),
  };

  async execute(context: ContextOf<typeof AdminLive>): Promise<Outcome<MadeLive>> {
    const { proposeLive, makeLive } = await import('../../admin/live.ts');
    const { flags, args, terminal } = context;
    return changingDepot(context, async (session) => {
      const proposal = await proposeLive(args.edition, session);
      const { edition, alreadyLive, rollback, effects } = proposal;
      const shown = { edition: edition.edition, rollback, effects };
      if (alreadyLive || flags['dry-run']) return { result: { ...shown, done: false } };
      const agreed = await agree(proposal, flags, terminal);
      if (agreed) await makeLive(proposal, session);
      return { result: { ...shown, done: agreed } };
    });
  }

  render({ edition, done, effects }: MadeLive, terminal: Terminal): void {
    if (effects.length === 0) terminal.result(`${edition} is live already.`);
    else
      terminal.result(
        [done ? `${edition} is live.` : 'Nothing was changed. It would do this:', ...effects.map(effectText)].join(
          '\n',
        ),
      );
  }
}

function effectText({ edition, from, to }: LiveProposal['effects'][number]): string {
  return `  ${edition}: ${from} -> ${to}`;
}

async function agree(
  { edition, rollback, effects }: LiveProposal,
  flags: { 'auto-confirm': boolean; rollback: boolean },
  terminal: Terminal,
): Promise<boolean> {
  if (flags['auto-confirm'] && rollback && !flags.rollback) {
    throw new D3Error(
      'ROLLBACK_UNCONFIRMED',
      'usage',
      `${edition.edition} is ${edition.status}: making it live takes machines back to it.`,
      {
        target: edition.edition,
        actions: ['agree to that with --rollback besides -a'],
      },
    );
  }
  if (flags['auto-confirm']) return true;
  const warning = rollback ? ['This is a rollback: machines with a newer edition go back to it.'] : [];
  return terminal.confirm({
    question: `Make ${edition.edition} live?`,
    details: [...effects.map(effectText), ...warning],
    flag: rollback ? '-a --rollback' : '-a',
  });
}
