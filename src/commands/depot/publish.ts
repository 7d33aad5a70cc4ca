import path from 'node:path';
import { D3Error } from '@d3/sdk';
import { Flags } from '@oclif/core';
import type { Published } from '../../admin/site.ts';
import { tendingDepot } from '../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../cli/base.ts';
import { wholeNumber } from '../../cli/flags.ts';
import { moment } from '../../cli/table-text.ts';
import type { Terminal } from '../../terminal/terminal.ts';

interface Shown extends Published {
  forgotten: string | null;
}

export default class DepotPublish extends AdminCommand<Shown, typeof DepotPublish> {
  static override summary =
    'Show machines what the depot has: renew its signatures, and make copies for web servers, CDNs and shares.';
  static override description =
    'Every admin command publishes by itself. This one renews signatures before they expire (--renew; "d3 depot service install" does it ' +
    'every day), and writes a whole copy of what machines read into a folder (--to): catalog, groups, packages. Only what changed is ' +
    'written, in an order in which machines never see half of it, and the copy is read back. Files that nothing names any more are removed after a grace.';
  static override examples = [
    '<%= config.bin %> depot publish --renew',
    '<%= config.bin %> depot publish --to /srv/www/d3',
    '<%= config.bin %> depot publish --to /Volumes/share/d3 --inbox',
    '<%= config.bin %> depot publish --to /srv/www/d3 --forget',
  ];
  static override flags = {
    to: Flags.string({ helpValue: 'DIR', summary: 'A copy: an empty folder, or one that was made so before.' }),
    renew: Flags.boolean({ summary: 'Sign anew for 30 days, and renew every copy.' }),
    inbox: Flags.boolean({
      summary: 'With --to: give the copy a folder in which machines leave their reports (d3 depot collect).',
    }),
    grace: wholeNumber({
      helpValue: 'DAYS',
      summary: 'With --to: how long files stay in the copy that nothing names any more; 7 unless said.',
    }),
    check: Flags.boolean({ summary: 'With --to: hash the files of the copy that are there already, too.' }),
    forget: Flags.boolean({ summary: 'With --to: renew this copy no more. Its files stay.' }),
  };

  async execute(context: ContextOf<typeof DepotPublish>): Promise<Outcome<Shown>> {
    const { forgetCopy, publishDepot } = await import('../../admin/site.ts');
    const { waitingWords } = await import('../../admin/waiting.ts');
    const { flags } = context;
    const to = flags.to === undefined ? null : path.resolve(flags.to);
    const { inbox, grace, check, forget } = flags;
    if (flags.to === '' || (to === null && (inbox || check || forget || grace !== undefined))) {
      throw new D3Error('NO_FOLDER', 'usage', 'That is about a copy, and none is named.', {
        target: '--to',
        actions: ['name its folder: --to DIR'],
      });
    }
    return tendingDepot(context, async (session) => {
      if (forget && to !== null) {
        await forgetCopy(to, session);
        return { result: { expires: null, isNew: false, copies: [], waiting: [], forgotten: to } };
      }
      const request = { to, renew: flags.renew, inbox, graceDays: grace, check };
      const published = await publishDepot(request, session);
      return { result: { ...published, forgotten: null }, warnings: published.waiting.map(waitingWords) };
    });
  }

  render({ expires, isNew, copies, forgotten }: Shown, terminal: Terminal): void {
    if (forgotten !== null) {
      terminal.result(`${forgotten} is renewed no more. Its files are still there.`);
      return;
    }
    const until = expires === null ? '' : `, signed until ${moment(expires)}`;
    terminal.result(
      `${isNew ? 'Machines are shown the newest state' : 'Machines see the newest state already'}${until}.`,
    );
    for (const { to, written, kept, removed, expires: end } of copies) {
      const gone = removed === 0 ? '' : `, ${removed} old ones removed`;
      terminal.result(
        `${to}: ${written.files} files written (${written.bytes} bytes), ${kept} there already${gone}; verified, signed until ${moment(end)}.`,
      );
    }
  }
}
