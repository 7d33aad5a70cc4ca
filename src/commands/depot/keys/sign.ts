import { Flags } from '@oclif/core';
import type { Signed, ToSign } from '../../../admin/keys.ts';
import { signingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import { adminChangingFlags, keysFlag } from '../../../cli/flags.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

interface SignedHere extends Signed {
  /** What there was to sign, in words. */
  what: string[];
  done: boolean;
}

export default class DepotKeysSign extends AdminCommand<SignedHere, typeof DepotKeysSign> {
  static override summary = 'Sign with your key what waits for it: changes of the depot, or new root metadata.';
  static override description =
    'What would be signed is shown first: every edition, group, policy and mirror that differs from what machines see now. ' +
    'Once enough holders have signed, it is in force and machines are shown it.';
  static override examples = [
    '<%= config.bin %> depot keys sign',
    '<%= config.bin %> depot keys sign --keys /media/stick',
    '<%= config.bin %> depot keys sign --dry-run',
  ];
  static override flags = {
    ...adminChangingFlags,
    ...keysFlag,
    'auto-confirm': Flags.boolean({ summary: 'Do not ask whether to go on.' }),
  };

  async execute(context: ContextOf<typeof DepotKeysSign>): Promise<Outcome<SignedHere>> {
    const { signWaiting, whatWaits } = await import('../../../admin/keys.ts');
    const { flags, terminal } = context;
    return signingDepot(context, async (session) => {
      // What changed since is drafted, so that it is seen and signed as well.
      await session.depot.publish();
      const toSign = await whatWaits(session);
      const { waiting } = toSign;
      const what = wordsOf(toSign);
      const agreed =
        !flags['dry-run'] &&
        (waiting.length === 0 ||
          flags['auto-confirm'] ||
          (await terminal.confirm({ question: 'Sign this?', details: what, flag: '--auto-confirm' })));
      if (!agreed) return { result: { what, done: false, inForce: [], waiting } };
      return { result: { what, done: waiting.length > 0, ...(await signWaiting(waiting, session)) } };
    });
  }

  async render({ what, done, inForce, waiting }: SignedHere, terminal: Terminal): Promise<void> {
    const { waitingWords } = await import('../../../admin/waiting.ts');
    if (what.length === 0 && waiting.length === 0) {
      terminal.result('Nothing waits for a signature.');
      return;
    }
    const head = done ? 'Signed:' : 'Nothing was signed. It would be:';
    const shown = inForce.map((role) => `${role} has all its signatures, and machines see it.`);
    terminal.result([head, ...what.map((line) => `  ${line}`), ...shown, ...waiting.map(waitingWords)].join('\n'));
  }
}

function wordsOf({ roles, catalog, waiting }: ToSign): string[] {
  const changes = catalog.map(({ kind, name, text }) => `${kind} ${name} ${text}`);
  const isSame = changes.length === 0 && waiting.some(({ role }) => role === 'targets');
  return [
    ...roles.map((text) => `keys of ${text}`),
    ...changes,
    ...(isSame ? ['the same catalog, for longer or by other keys'] : []),
  ];
}
