import { Args, Flags } from '@oclif/core';
import type { ScriptEdit, ScriptUse, ShownScript } from '../../../admin/scripts.ts';
import { changingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import { confirmingFlags } from '../../../cli/flags.ts';
import { scriptText, useText } from '../../../cli/script-text.ts';
import { commaList } from '../../../cli/words.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

interface Edited {
  done: boolean;
  repinned: ScriptUse[];
  left: ScriptUse[];
  /** Null when nothing was changed. */
  shown: ShownScript | null;
}

export default class AdminScriptEdit extends AdminCommand<Edited, typeof AdminScriptEdit> {
  static override summary = 'Change a script. Editions that are there keep it as it was, unless they are named.';
  static override description =
    'New editions get it as it is then. --apply-to names editions that are there already; for live ones, which machines ' +
    'have installed, that is asked.';
  static override examples = [
    '<%= config.bin %>admin script edit check-license --file ./check-license',
    '<%= config.bin %>admin script edit check-license --file ./check-license --apply-to transmogrifier-2.1.2-1 -a',
  ];
  static override flags = {
    ...confirmingFlags,
    file: Flags.string({ helpValue: 'PATH', summary: 'Its new text.' }),
    name: Flags.string({ helpValue: 'NAME', summary: 'Its new name.' }),
    description: Flags.string({ helpValue: 'TEXT', summary: 'What it does.' }),
    'apply-to': Flags.string({
      helpValue: 'EDITION',
      multiple: true,
      summary: 'Editions that are to run it as it is now; repeatable, or comma separated.',
    }),
  };
  static override args = { script: Args.string({ name: 'script', description: 'Its name or id.', required: true }) };

  async execute(context: ContextOf<typeof AdminScriptEdit>): Promise<Outcome<Edited>> {
    const { editScript, proposeScriptEdit } = await import('../../../admin/scripts.ts');
    const { args, flags, terminal } = context;
    const { name, description, file } = flags;
    const applyTo = (flags['apply-to'] ?? []).flatMap(commaList);
    return changingDepot(context, async (session) => {
      const edit = await proposeScriptEdit(args.script, { name, description, file, applyTo }, session);
      const { repinned, left } = edit;
      const done = !flags['dry-run'] && (flags['auto-confirm'] || (await agree(edit, terminal)));
      return { result: { done, repinned, left, shown: done ? await editScript(edit, session) : null } };
    });
  }

  render({ shown, repinned, left }: Edited, terminal: Terminal): void {
    const lines = [
      ...repinned.map((use) => `  ${useText(use)}: runs it as it is now`),
      ...left.map((use) => `  ${useText(use)}: keeps it as it was; name it with --apply-to to change that`),
    ];
    if (shown === null) terminal.result(['Nothing was changed. It would be this:', ...lines].join('\n'));
    else terminal.result([scriptText(shown), ...lines].join('\n'));
  }
}

/** Only what machines run already is asked for. */
async function agree({ before, repinned }: ScriptEdit, terminal: Terminal): Promise<boolean> {
  const live = repinned.filter(({ status }) => status === 'live');
  if (live.length === 0) return true;
  return terminal.confirm({
    question: `Change ${before.name} for live editions?`,
    details: [
      ...live.map((use) => `  ${useText(use)}`),
      'Machines run it as it is then, also where they are installed.',
    ],
    flag: '-a',
  });
}
