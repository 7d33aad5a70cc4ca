import { combineExitCodes } from '@d3/sdk';
import { Args, Flags } from '@oclif/core';
import type { MunkiImported } from '../../../admin/import/munki.ts';
import { changingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import { adminChangingFlags } from '../../../cli/flags.ts';
import { importText } from '../../../cli/import-text.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

export default class AdminImportMunki extends AdminCommand<MunkiImported, typeof AdminImportMunki> {
  static override summary = 'Take a repository of Munki’s in.';
  static override description =
    'Every item becomes an edition with its scripts, limits and processes; the newest of each name that is in the catalog production ' +
    'becomes live, all others are pilots or older. Manifests become smart groups, and what they install auto groups. What has no ' +
    'counterpart is told, with what to do about it. Items that are in the depot already stay as they are, and it is said where they ' +
    'differ; what was cut goes on the next time. An item that cannot be taken in does not stop the others. What is in a disk image ' +
    'comes in where the import runs on a Mac. With --dry-run packages are looked for, but not read.';
  static override examples = [
    '<%= config.bin %>admin import munki /srv/munki_repo --dry-run',
    '<%= config.bin %>admin import munki /srv/munki_repo',
    '<%= config.bin %>admin import munki /srv/munki_repo --released production --released stable',
    '<%= config.bin %>admin import munki /srv/munki_repo --pilots-only',
  ];
  static override flags = {
    ...adminChangingFlags,
    released: Flags.string({
      helpValue: 'CATALOG',
      summary: 'A catalog whose items become live; repeatable. Without it production.',
      multiple: true,
    }),
    'pilots-only': Flags.boolean({ summary: 'Make nothing live: everything comes in as a pilot.' }),
  };
  static override args = {
    repository: Args.string({
      name: 'repository',
      description: 'The folder with catalogs, manifests, pkgs and pkgsinfo.',
      required: true,
    }),
  };

  async execute(context: ContextOf<typeof AdminImportMunki>): Promise<Outcome<MunkiImported>> {
    const { importMunki } = await import('../../../admin/import/munki.ts');
    const { flags, args } = context;
    const asked = {
      dir: args.repository,
      released: flags.released ?? ['production'],
      dryRun: flags['dry-run'],
      pilotsOnly: flags['pilots-only'],
    };
    const { result, errors, succeeded } = await changingDepot(context, (session) => importMunki(asked, session));
    const codes = [...(succeeded > 0 ? [0] : []), ...errors.map(({ exitCode }) => exitCode)];
    return { result, errors, exit: combineExitCodes(codes) };
  }

  render(result: MunkiImported, terminal: Terminal): void {
    terminal.result(importText(result));
  }
}
