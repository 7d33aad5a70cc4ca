import { D3Error } from '@d3/sdk';
import { Args } from '@oclif/core';
import type { Added } from '../../admin/add.ts';
import { changingDepot } from '../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../cli/base.ts';
import { attributeFlags, buildFlags } from '../../cli/flags.ts';
import { typedAttributes } from '../../cli/typed-attributes.ts';
import type { Terminal } from '../../terminal/terminal.ts';

export default class AdminAdd extends AdminCommand<Added, typeof AdminAdd> {
  static override summary = 'Add a new edition of a basename, as a pilot.';
  static override description =
    'What is not given comes from the newest edition of the basename, the revision is one more than any before, and without -s the new edition takes that edition’s stored file. ' +
    'The first edition of a basename needs -v and -s. SOURCE is a flat .pkg, a .deb, a .dmg, or a folder that stands for the root of the target. Nothing is asked; a failed add leaves nothing.';
  static override examples = [
    '<%= config.bin %>admin add transmogrifier -v 2.1.2 -r 1 -s ./transmogrifier.pkg -g standard',
    '<%= config.bin %>admin add transmogrifier -g test-macs -e /tmp/test-preinstall',
  ];
  static override flags = { ...attributeFlags, ...buildFlags };
  static override args = {
    basename: Args.string({ name: 'basename', description: 'What the edition is an edition of.', required: true }),
  };

  async execute(context: ContextOf<typeof AdminAdd>): Promise<Outcome<Added>> {
    const { flags, args } = context;
    const { addEdition } = await import('../../admin/add.ts');
    if (flags.dmg) {
      throw new D3Error('NO_DMG', 'usage', 'This version of d3 builds flat packages only, no disk images.', {
        target: '-D/--dmg',
        actions: ['leave it out to build a package'],
      });
    }
    const request = {
      basename: args.basename,
      typed: typedAttributes(flags),
      source: flags['source-path'],
      packageId: flags['pkg-id'],
      preserveOwners: flags['preserve-owners'],
      workspace: flags.workspace,
      inherit: !flags['no-inherit'],
    };
    const added = await changingDepot(context, (session) => addEdition(request, session));
    return { result: added, warnings: added.warnings };
  }

  render({ edition, inheritedFrom, fileFrom }: Added, terminal: Terminal): void {
    const { file } = edition;
    const lines = [`${edition.edition} is a pilot now (id ${edition.id}).`];
    if (inheritedFrom !== null) lines.push(`What was not given comes from ${inheritedFrom}.`);
    lines.push(
      fileFrom === null
        ? `Its file is ${file.name}, sha256 ${file.sha256}.`
        : `No package was given: it has the file of ${fileFrom} as ${file.name}, sha256 ${file.sha256}.`,
      `To test it: d3 pilot ${edition.edition}`,
      `To release it: d3admin live ${edition.edition}`,
    );
    terminal.result(lines.join('\n'));
  }
}
