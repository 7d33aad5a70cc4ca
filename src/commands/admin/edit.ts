import { throwProblems } from '@d3/sdk';
import { Args } from '@oclif/core';
import type { AttributeView, EditSession } from '../../admin/attribute-session.ts';
import type { Edited } from '../../admin/edit.ts';
import type { AdminSession } from '../../admin/session.ts';
import { ATTRIBUTE_FLAGS } from '../../catalog/attributes.ts';
import { changingDepot } from '../../cli/admin-here.ts';
import { changeText } from '../../cli/attribute-text.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../cli/base.ts';
import { attributeFlags, confirmingFlags, walkthruFlags } from '../../cli/flags.ts';
import { typedAttributes } from '../../cli/typed-attributes.ts';
import type { Terminal } from '../../terminal/terminal.ts';

/** An edit that would be made. */
interface WouldEdit extends Edited {
  changes: AttributeView[];
}

export default class AdminEdit extends AdminCommand<Edited | WouldEdit, typeof AdminEdit> {
  static override summary = 'Change attributes of an edition; what is not given stays.';
  static override description =
    'All that is given is changed, or nothing. A basename means its live edition. Nothing is asked but with -w.';
  static override examples = [
    "<%= config.bin %>admin edit transmogrifier-2.5-2 -G 'special-macs,other-macs' -e 324",
    '<%= config.bin %>admin edit transmogrifier -w',
  ];
  static override flags = { ...attributeFlags, ...confirmingFlags, ...walkthruFlags };
  static override args = {
    target: Args.string({ name: 'target', description: 'An edition, its id, or a basename.', required: true }),
  };

  async execute(context: ContextOf<typeof AdminEdit>): Promise<Outcome<Edited | WouldEdit>> {
    const { EditSession } = await import('../../admin/attribute-session.ts');
    const typed = typedAttributes(context.flags);
    const { flags, terminal, env } = context;
    const given: string | undefined = context.args.target;
    const edited = await changingDepot(context, async (session, { preferences }) => {
      const target = given ?? (await walkTarget(session, terminal));
      const editing = await EditSession.open(target, typed, session);
      let agreed = !flags['dry-run'];
      if (flags.walkthru) {
        const { editorOf } = await import('../../cli/walkthru/attributes.ts');
        const { walkEdit } = await import('../../cli/walkthru/edit.ts');
        await walkEdit(terminal, editing, editorOf(preferences.editor, env));
        agreed = agreed && (flags['auto-confirm'] || (await agree(editing, terminal)));
      }
      if (agreed) return editing.save();
      throwProblems(await editing.problems());
      const changes = await changesIn(editing);
      return { edition: editing.edition, changed: changes.map(({ key }) => key), changes, warnings: [] };
    });
    return { result: edited, warnings: edited.warnings };
  }

  render(result: Edited | WouldEdit, terminal: Terminal): void {
    const { edition, changed } = result;
    if ('changes' in result && changed.length > 0) {
      const lines = result.changes.map((view) => `  ${changeText(view)}`);
      terminal.result([`Nothing was changed. ${edition.edition} would be:`, ...lines].join('\n'));
      return;
    }
    terminal.result(
      changed.length === 0
        ? `Nothing to change: ${edition.edition} is so already.`
        : `${edition.edition}: changed ${changed.map(attributeWord).join(', ')}.`,
    );
  }
}

async function walkTarget(session: AdminSession, terminal: Terminal): Promise<string> {
  const { editionToPick } = await import('../../cli/walkthru/edit.ts');
  return editionToPick(terminal, session, { question: 'Edit:', flag: 'TARGET' });
}

async function changesIn(editing: EditSession): Promise<AttributeView[]> {
  return (await editing.views()).filter(({ value, old }) => value !== old);
}

/** Nothing to change needs nobody to agree. */
async function agree(editing: EditSession, terminal: Terminal): Promise<boolean> {
  const changes = await changesIn(editing);
  const details = changes.map((view) => `  ${changeText(view)}`);
  const question = `Change ${editing.edition.edition}?`;
  return changes.length === 0 || terminal.confirm({ question, details, flag: '-a' });
}

/** An attribute as it is typed; the file only ever changes its name. */
function attributeWord(key: string): string {
  if (key === 'file') return ATTRIBUTE_FLAGS.filename;
  return ATTRIBUTE_FLAGS[key as keyof typeof ATTRIBUTE_FLAGS] ?? key;
}
