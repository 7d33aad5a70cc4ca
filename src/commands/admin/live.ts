import { D3Error } from '@d3/sdk';
import { Args, Flags } from '@oclif/core';
import type { Affected } from '../../admin/affected.ts';
import type { LiveProposal } from '../../admin/live.ts';
import type { AdminSession } from '../../admin/session.ts';
import { type AdminHere, changingDepot } from '../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../cli/base.ts';
import { confirmingFlags, walkthruFlags } from '../../cli/flags.ts';
import type { Terminal } from '../../terminal/terminal.ts';

interface MadeLive {
  edition: string;
  done: boolean;
  rollback: boolean;
  effects: LiveProposal['effects'];
  affected: Affected;
  /** What it comes to on machines, in words. */
  machines: string;
  policies: string[];
  /** Editions that were cleaned away, or would be. */
  cleaned: string[];
}

export default class AdminLive extends AdminCommand<MadeLive, typeof AdminLive> {
  static override summary = 'Make an edition live: machines install it, and update to it.';
  static override description =
    'The edition that was live becomes deprecated, pilots in between are skipped, newer ones are pilots. ' +
    'A skipped or deprecated edition is a rollback: machines go back to it. Afterwards old editions are cleaned away, if ' +
    'the setting live.clean or --clean says so, and the script runs that the setting live.script names.';
  static override examples = [
    '<%= config.bin %>admin live transmogrifier-2.1.2-1',
    '<%= config.bin %>admin live transmogrifier-2.1.2-1 -a',
    '<%= config.bin %>admin live transmogrifier-2.1.2-1 --clean --dry-run',
    '<%= config.bin %>admin live -w',
  ];
  static override flags = {
    ...confirmingFlags,
    ...walkthruFlags,
    rollback: Flags.boolean({ summary: 'Agree to take machines back to an older edition, where nobody can be asked.' }),
    clean: Flags.boolean({
      allowNo: true,
      summary: 'Delete old editions of the basename afterwards, or do not; else the setting live.clean.',
    }),
  };
  static override args = {
    edition: Args.string({ name: 'edition', description: 'The edition, or its id.', required: true }),
  };

  async execute(context: ContextOf<typeof AdminLive>): Promise<Outcome<MadeLive>> {
    const { proposeLive, makeLive } = await import('../../admin/live.ts');
    const { affectedWords } = await import('../../admin/affected.ts');
    const { flags, args, terminal } = context;
    const given: string | undefined = args.edition;
    return changingDepot(context, async (session, here) => {
      const target = given ?? (await walkEdition(session, terminal));
      const rules = cleanRules(flags.walkthru ? await walkClean(flags.clean, here, terminal) : flags.clean, here);
      const proposal = await proposeLive(target, session, rules);
      const { edition, alreadyLive, rollback, effects, affected, policies, cleaned } = proposal;
      const machines = affectedWords(affected);
      const shown = { edition: edition.edition, rollback, effects, affected, machines, policies, cleaned };
      if (alreadyLive || flags['dry-run']) return { result: { ...shown, done: false } };
      if (!(await agree(proposal, machines, flags, terminal))) return { result: { ...shown, done: false } };
      const after = { script: here.settings.liveScript, clean: rules, exec: here.exec };
      const made = await makeLive(proposal, session, after);
      const gone = made.cleaned.deleted.map(({ edition: old }) => old.edition);
      return { result: { ...shown, cleaned: gone, done: true }, warnings: made.warnings };
    });
  }

  render({ edition, done, effects, machines, policies, cleaned }: MadeLive, terminal: Terminal): void {
    if (effects.length === 0) {
      terminal.result(`${edition} is live already.`);
      return;
    }
    const lines = [done ? `${edition} is live.` : 'Nothing was changed. It would do this:', ...effects.map(effectText)];
    if (!done) lines.push(...consequences({ policies }), `  ${machines}`);
    lines.push(...cleaned.map((old) => `  ${old}: ${done ? 'cleaned away' : 'would be cleaned away'}`));
    terminal.result(lines.join('\n'));
  }
}

async function walkEdition(session: AdminSession, terminal: Terminal): Promise<string> {
  const { editionToPick } = await import('../../cli/walkthru/edit.ts');
  return editionToPick(terminal, session, { question: 'Make live:', flag: 'EDITION', but: 'live' });
}

async function walkClean(flag: boolean | undefined, { settings }: AdminHere, terminal: Terminal): Promise<boolean> {
  if (flag !== undefined) return flag;
  return terminal.choose({
    question: 'Old editions of the basename:',
    flag: '--clean',
    options: [
      { value: false, label: 'stay' },
      { value: true, label: 'are deleted afterwards' },
    ],
    preset: settings.liveClean === 'on',
  });
}

/** Null: nothing is cleaned away. */
function cleanRules(flag: boolean | undefined, { settings }: AdminHere) {
  if (!(flag ?? settings.liveClean === 'on')) return null;
  return { keepDeprecated: settings.liveKeepDeprecated, keepLatestPilots: settings.liveKeepLatestPilots === 'yes' };
}

function consequences({ policies }: Pick<LiveProposal, 'policies'>): string[] {
  if (policies.length === 0) return [];
  return [`  policies that name the edition that is live now stay with it: ${policies.join(', ')}`];
}

function effectText({ edition, from, to }: LiveProposal['effects'][number]): string {
  return `  ${edition}: ${from} -> ${to}`;
}

async function agree(
  { edition, rollback, effects, policies, cleaned }: LiveProposal,
  machines: string,
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
  const warning = rollback
    ? ['This is a rollback: every machine with a newer edition goes back to it, unless it is frozen or a pilot there.']
    : [];
  return terminal.confirm({
    question: `Make ${edition.edition} live?`,
    details: [
      ...effects.map(effectText),
      ...consequences({ policies }),
      ...cleaned.map((old) => `  ${old}: will be cleaned away`),
      `  ${machines}`,
      ...warning,
    ],
    flag: rollback ? '-a --rollback' : '-a',
  });
}
