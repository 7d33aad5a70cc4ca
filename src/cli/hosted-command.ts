import path from 'node:path';
import type { AdminPort, Json, PluginContext } from '@d3/sdk';
import { MachineCommand, type PluginCommand } from '@d3/sdk/command';
import { csvText } from '../terminal/csv.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { type CommandContext, D3Command, type Outcome } from './base.ts';

type HostedContext = CommandContext<Record<string, unknown>, Record<string, unknown>>;

/** Runs a plugin's command as one of d3's own. */
export function runHosted(command: PluginCommand): Promise<number> {
  const { id, baseFlags, flags, args, strict, summary, endsBySignal } =
    command.constructor as unknown as typeof PluginCommand;
  const { config } = command;

  class Hosted extends D3Command<Json> {
    static override id = id;
    // Typed as d3's own base has them; what a plugin adds to that is read all the same.
    static override baseFlags = baseFlags as typeof D3Command.baseFlags;
    static override flags = flags ?? {};
    static override args = args ?? {};
    static override strict = strict;
    static override summary = summary ?? '';
    static override endsBySignal = endsBySignal;

    async execute(context: HostedContext): Promise<Outcome<Json>> {
      const { report, signal, version, inputs, terminal } = context;
      // What works on a machine knows the depot by that machine's configuration; what administers one by this host's.
      const root = command instanceof MachineCommand ? inputs.root : '/';
      const plugin = config.findCommand(id)?.pluginName ?? config.name;
      return command.execute({
        flags: context.flags,
        args: context.args,
        root: inputs.root,
        ui: report,
        signal,
        version,
        program: path.join(config.root, 'bin', 'd3'),
        canAsk: terminal.canAsk,
        ask: terminal,
        follow: {
          branches: (titles) => terminal.tree(titles),
          happened: (event, text) => (terminal.json ? terminal.document(event) : terminal.result(text)),
        },
        csv: csvText,
        async admin(how) {
          const { machineHere } = await import('./machine.ts');
          const { optionalAdmin } = await import('./optional-admin.ts');
          const given = context.flags['admin'] as string | undefined;
          const here = await machineHere({ ...context, flags: {}, own: config.root });
          return how === 'required' ? here.admin(given) : optionalAdmin(given, here);
        },
        exec: {
          async run(request) {
            const { execIn } = await import('../platform/exec.ts');
            const { ownWorkFolder } = await import('../platform/own-work.ts');
            return execIn(ownWorkFolder()).run(request);
          },
        },
        ports: () => portsFor(plugin, context, config.root),
        async depotKind() {
          const { depotKindHere } = await import('./admin-here.ts');
          return depotKindHere({ inputs, root });
        },
        async depot(how, work, login = null) {
          const { changingDepot, readingDepot } = await import('./admin-here.ts');
          const opened = how === 'changes' ? changingDepot : readingDepot;
          return opened({ ...context, root, login }, (session, here) => {
            const ports = here.contextOf(plugin, session);
            return work(ports.admin as AdminPort, ports);
          });
        },
      });
    }

    render(result: Json, terminal: Terminal): void {
      terminal.result(command.text(result));
    }
  }

  return new Hosted(command.argv, config).run();
}

/** The same as the plugin's hooks get, for the root the command works on. */
async function portsFor(plugin: string, context: HostedContext, own: string): Promise<PluginContext> {
  const { machineHere, startOf } = await import('./machine.ts');
  const { portsOf } = await import('./plugin-ports.ts');
  const { roomOfCommand } = await import('../client/room.ts');
  const { ScriptBlobs } = await import('../client/script-blobs.ts');
  const { contextOf } = await import('../lifecycle/plugins.ts');
  const { execIn } = await import('../platform/exec.ts');
  const input = { ...context, flags: { debug: context.flags['debug'] === true }, own };
  const { machine } = await machineHere(input);
  const { paths, depot, clock } = machine;
  const { signal, report } = context;
  const room = roomOfCommand({ paths, scripts: new ScriptBlobs(paths.scripts, depot), signal, report });
  const ports = () => portsOf(plugin, { paths, machine: async () => machine, ...startOf(input), signal, report });
  return contextOf(plugin, room, { exec: execIn(paths.work), ports, clock });
}
