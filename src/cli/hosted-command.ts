import type { Json } from '@d3/sdk';
import type { PluginCommand } from '@d3/sdk/command';
import type { Terminal } from '../terminal/terminal.ts';
import { type CommandContext, D3Command, type Outcome } from './base.ts';

/** Runs a plugin's command as one of d3's own. */
export function runHosted(command: PluginCommand): Promise<number> {
  const { id, flags, args, strict, summary, endsBySignal } = command.constructor as unknown as typeof PluginCommand;

  class Hosted extends D3Command<Json> {
    static override id = id;
    static override flags = flags;
    static override args = args;
    static override strict = strict;
    static override summary = summary ?? '';
    static override endsBySignal = endsBySignal;

    async execute(context: CommandContext<Record<string, unknown>, Record<string, unknown>>): Promise<Outcome<Json>> {
      const { report, signal, version, inputs } = context;
      const own = { flags: context.flags, args: context.args, root: inputs.root, ui: report, signal, version };
      return command.execute(own);
    }

    render(result: Json, terminal: Terminal): void {
      terminal.result(command.text(result));
    }
  }

  return new Hosted(command.argv, command.config).run();
}
