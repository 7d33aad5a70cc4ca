import path from 'node:path';
import { throwProblems } from '@d3/sdk';
import { Args } from '@oclif/core';
import type { Added, AddRequest } from '../../admin/add.ts';
import type { AttributeView } from '../../admin/attribute-session.ts';
import type { AdminSession } from '../../admin/session.ts';
import { changingDepot, savePreferences } from '../../cli/admin-here.ts';
import { inheritedText } from '../../cli/attribute-text.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../cli/base.ts';
import { attributeFlags, buildFlags, confirmingFlags, walkthruFlags } from '../../cli/flags.ts';
import { typedAttributes } from '../../cli/typed-attributes.ts';
import type { Terminal } from '../../terminal/terminal.ts';

/** An edition that would be added. */
interface WouldAdd {
  would: string;
  attributes: AttributeView[];
  warnings: string[];
}

export default class AdminAdd extends AdminCommand<Added | WouldAdd, typeof AdminAdd> {
  static override summary = 'Add a new edition of a basename, as a pilot.';
  static override description =
    'What is not given comes from the newest edition of the basename, the revision is one more than any before, and without -s the new edition takes that edition’s stored file. ' +
    'The first edition of a basename needs -v and -s. SOURCE is a flat .pkg, a .deb, a .dmg, or a folder that stands for the root of the target. ' +
    '-i takes in a package file, or the record and the file of any edition, archived ones too. Nothing is asked but with -w; a failed add leaves nothing.';
  static override examples = [
    '<%= config.bin %>admin add transmogrifier -v 2.1.2 -r 1 -s ./transmogrifier.pkg -g standard',
    '<%= config.bin %>admin add transmogrifier -g test-macs -e /tmp/test-preinstall',
    '<%= config.bin %>admin add -w',
  ];
  static override flags = { ...attributeFlags, ...buildFlags, ...confirmingFlags, ...walkthruFlags };
  static override args = {
    basename: Args.string({ name: 'basename', description: 'What the edition is an edition of.', required: true }),
  };

  async execute(context: ContextOf<typeof AdminAdd>): Promise<Outcome<Added | WouldAdd>> {
    const { flags, args } = context;
    const { addEdition } = await import('../../admin/add.ts');
    const request: AddRequest = {
      basename: args.basename,
      typed: typedAttributes(flags),
      source: flags['source-path'],
      build: {
        dmg: flags.dmg,
        packageId: flags['pkg-id'],
        preserveOwners: flags['preserve-owners'],
        workspace: flags.workspace,
        installLocation: flags['install-location'],
        scriptsFolder: flags['scripts-folder'],
        signingIdentity: flags['signing-id'],
        signingOptions: flags['signing-opts'],
      },
      inherit: !flags['no-inherit'],
      importFrom: flags.import,
    };
    const result = await changingDepot(context, async (session, { preferences }) => {
      request.usual = preferences;
      if (flags.walkthru && !(await walked(request, session, context, preferences.editor)))
        return wouldAdd(request, session);
      return flags['dry-run'] ? wouldAdd(request, session) : addEdition(request, session);
    });
    const workspace = request.build?.workspace;
    if (workspace !== undefined && !('would' in result)) await savePreferences({ workspace: path.resolve(workspace) });
    return { result, warnings: result.warnings };
  }

  render(result: Added | WouldAdd, terminal: Terminal): void {
    if ('would' in result) {
      terminal.result(
        [
          `Nothing was added. ${result.would} would be a pilot:`,
          ...result.attributes.map((view) => `  ${inheritedText(view)}`),
        ].join('\n'),
      );
      return;
    }
    const { edition, inheritedFrom, fileFrom } = result;
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

/** @returns whether it is to be added */
async function walked(
  request: AddRequest,
  session: AdminSession,
  { args, flags, terminal, env }: ContextOf<typeof AdminAdd>,
  preferred: string | null,
): Promise<boolean> {
  const { addDetails, basenameToAdd, walkAdd } = await import('../../cli/walkthru/add.ts');
  const { editorOf } = await import('../../cli/walkthru/attributes.ts');
  const basename: string | undefined = args.basename;
  request.basename = basename ?? (await basenameToAdd(terminal, session));
  const adding = await walkAdd(terminal, request, session, editorOf(preferred, env));
  if (flags['auto-confirm'] || flags['dry-run']) return true;
  const question = `Add ${(await adding.outline()).edition} as a pilot?`;
  return terminal.confirm({ question, details: await addDetails(terminal, adding), flag: '-a' });
}

async function wouldAdd(request: AddRequest, session: AdminSession): Promise<WouldAdd> {
  const { AddSession } = await import('../../admin/attribute-session.ts');
  const adding = new AddSession(request, session);
  throwProblems(await adding.problems());
  return { would: (await adding.outline()).edition, attributes: await adding.views(), warnings: [] };
}
