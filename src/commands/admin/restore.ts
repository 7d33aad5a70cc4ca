import { Args, Flags } from '@oclif/core';
import type { Edition } from '../../catalog/types.ts';
import { changingDepot } from '../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../cli/base.ts';
import type { Terminal } from '../../terminal/terminal.ts';

export default class AdminRestore extends AdminCommand<Edition, typeof AdminRestore> {
  static override summary = 'Bring an archived edition back.';
  static override description =
    'It has its id again and is never live at once: a pilot when it is newer than the live edition or there is none, else deprecated or skipped.';
  static override examples = [
    '<%= config.bin %>admin restore transmogrifier-2.1.2-1',
    '<%= config.bin %>admin restore transmogrifier-2.1.2-1 -s ./transmogrifier-2.1.2-1.pkg',
  ];
  static override flags = {
    'source-path': Flags.string({
      char: 's',
      helpValue: 'PATH',
      aliases: ['source'],
      summary: 'Its package file, where the archive does not have it; the very same.',
    }),
  };
  static override args = {
    edition: Args.string({ name: 'edition', description: 'The archived edition, or its id.', required: true }),
  };

  async execute(context: ContextOf<typeof AdminRestore>): Promise<Outcome<Edition>> {
    const { restoreEdition } = await import('../../admin/delete.ts');
    const { flags, args } = context;
    const source = flags['source-path'];
    return { result: await changingDepot(context, (session) => restoreEdition(args.edition, source, session)) };
  }

  render({ edition, status, id }: Edition, terminal: Terminal): void {
    terminal.result(`${edition} is back as id ${id}: ${status}.`);
  }
}
