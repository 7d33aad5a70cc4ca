import path from 'node:path';
import { Args, Flags } from '@oclif/core';
import type { StoredScript } from '../../../admin/scripts.ts';
import { changingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

export default class AdminScriptAdd extends AdminCommand<StoredScript, typeof AdminScriptAdd> {
  static override summary =
    'Take a script into the depot, for editions to run before or after they are installed or removed.';
  static override examples = ['<%= config.bin %>admin script add ./check-license --name check-license'];
  static override flags = {
    name: Flags.string({ helpValue: 'NAME', summary: 'What to call it; else the name of the file.' }),
    description: Flags.string({ helpValue: 'TEXT', summary: 'What it does.', default: '' }),
  };
  static override args = {
    file: Args.string({ name: 'file', description: 'The script; it begins with #!.', required: true }),
  };

  async execute(context: ContextOf<typeof AdminScriptAdd>): Promise<Outcome<StoredScript>> {
    const { addScript } = await import('../../../admin/scripts.ts');
    const { file } = context.args;
    const { name = path.basename(file), description } = context.flags;
    return { result: await changingDepot(context, (session) => addScript(name, file, description, session)) };
  }

  render({ id, name, body }: StoredScript, terminal: Terminal): void {
    terminal.result(`${name} is script ${id} now, sha256 ${body.sha256}.`);
  }
}
