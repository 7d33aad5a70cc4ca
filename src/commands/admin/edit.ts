import { Args } from '@oclif/core';
import type { Edited } from '../../admin/edit.ts';
import { ATTRIBUTE_FLAGS } from '../../catalog/attributes.ts';
import { changingDepot } from '../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../cli/base.ts';
import { attributeFlags } from '../../cli/flags.ts';
import { typedAttributes } from '../../cli/typed-attributes.ts';
import type { Terminal } from '../../terminal/terminal.ts';

export default class AdminEdit extends AdminCommand<Edited, typeof AdminEdit> {
  static override summary = 'Change attributes of an edition; what is not given stays.';
  static override description =
    'All that is given is changed, or nothing. A basename means its live edition. Nothing is asked.';
  static override examples = ["<%= config.bin %>admin edit transmogrifier-2.5-2 -G 'special-macs,other-macs' -e 324"];
  static override flags = { ...attributeFlags };
  static override args = {
    target: Args.string({ name: 'target', description: 'An edition, its id, or a basename.', required: true }),
  };

  async execute(context: ContextOf<typeof AdminEdit>): Promise<Outcome<Edited>> {
    const { editEdition } = await import('../../admin/edit.ts');
    const typed = typedAttributes(context.flags);
    const edited = await changingDepot(context, (session) => editEdition(context.args.target, typed, session));
    return { result: edited, warnings: edited.warnings };
  }

  render({ edition, changed }: Edited, terminal: Terminal): void {
    terminal.result(
      changed.length === 0
        ? `Nothing to change: ${edition.edition} is so already.`
        : `${edition.edition}: changed ${changed.map(attributeWord).join(', ')}.`,
    );
  }
}

/** An attribute as it is typed; the file only ever changes its name. */
function attributeWord(key: string): string {
  if (key === 'file') return ATTRIBUTE_FLAGS.filename;
  return ATTRIBUTE_FLAGS[key as keyof typeof ATTRIBUTE_FLAGS] ?? key;
}
