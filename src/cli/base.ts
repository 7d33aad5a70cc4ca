import { D3Error, type Reporter } from '@d3/sdk';
import { Args, Command, Config, type Interfaces, Parser } from '@oclif/core';
import { yesOrNo } from '../catalog/yes-no.ts';
import { settingsComeFrom } from '../config/plugin-settings.ts';
import type { HookSource, HookTracer } from '../lifecycle/bus.ts';
import { kindsComeFrom } from '../lifecycle/declared-kinds.ts';
import { hookSource } from '../lifecycle/hooks.ts';
import { isMarkedForDebugging } from '../platform/debug-marker.ts';
import { machinePaths } from '../platform/paths.ts';
import { exitOf, failureOf, showErrors, type Usage } from '../terminal/errors.ts';
import { reporterTo } from '../terminal/reporter.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { adminFlags, clientFlags, everyFlags, flagVariable } from './flags.ts';
import { type Inputs, readInputs } from './inputs.ts';
import { interruption, type Session, sessionOf, signalExit } from './session.ts';
import { hookTracer } from './trace.ts';
import { usageLine } from './usage.ts';

/** The flags of a command class, its base's included, with their values' types. */
type FlagsOf<T extends typeof Command> = Interfaces.InferredFlags<T['baseFlags'] & T['flags']>;
/** The arguments of a command class with their values' types. */
type ArgsOf<T extends typeof Command> = Interfaces.InferredArgs<T['args']>;

/** What a command gets to work with. */
export interface CommandContext<Flags, Arguments> {
  flags: Flags;
  args: Arguments;
  /** The only door to the screen. Services do not get it; they get `report`. */
  terminal: Terminal;
  /** For services to say what they do. */
  report: Reporter;
  /** Aborted by SIGINT and SIGTERM. Long work looks at it between phases and throws its reason. */
  signal: AbortSignal;
  env: Readonly<Record<string, string | undefined>>;
  /** The root, the depot and the run, from flags or the environment. */
  inputs: Inputs;
  /** Who of the plugins listens to what. */
  hooks: HookSource;
  /** Told of each call of a plugin. */
  trace: HookTracer;
  /** The version of d3. */
  version: string;
}

/** How a command ended. */
export interface Outcome<Result> {
  result: Result;
  /** The exit code. Left out: 0, or what the errors amount to. With several targets, `combineExitCodes` of all. */
  exit?: number;
  /** What failed for single targets while the command went on. What ends a command is thrown instead. */
  errors?: readonly D3Error[];
  warnings?: readonly string[];
  /** The id of the run, when there was one. */
  run?: string;
}

/**
 * The base of every command. A command parses nothing, catches nothing and prints only in `render`:
 *
 * ```ts
 * interface Thawed { basenames: string[] }
 *
 * export default class Thaw extends ClientCommand<Thawed, typeof Thaw> {
 *   static override summary = 'Let sync update frozen packages again.';
 *   static override aliases = ['t'];
 *   static override examples = ['<%= config.bin %> thaw transmogrifier'];
 *   static override flags = { ...changingFlags };
 *   static override args = { basename: targets('basename', 'What to thaw.') };
 *
 *   async execute({ args, flags, report, signal }: ContextOf<typeof Thaw>): Promise<Outcome<Thawed>> {
 *     const service = await import('../client/thaw.ts');        // heavy modules are loaded here, not above
 *     return { result: await service.thaw(args.basename, { dryRun: flags['dry-run'], report, signal }) };
 *   }
 *
 *   render(result: Thawed, terminal: Terminal): void {
 *     terminal.result(result.basenames.join('\n'));
 *   }
 * }
 * ```
 *
 * - `render` is not called under --json; there `result` stands in the envelope as it is. On a terminal, long output
 *   goes through a pager by itself.
 * - Throw `D3Error` for what ends the command (its `exit` is the exit code), `D3Errors` for all problems of a
 *   validation. Failures of single targets go into `Outcome.errors`, with `exit` from `combineExitCodes`.
 * - Anything else thrown is shown as a bug (10).
 * - Flags common to several commands come from `flags.ts` and nowhere else; do not repeat `json`, `debug`, `root`…
 * - Every flag is also read from D3_FLAG_<NAME>. Take the root and the depot from `inputs`, not from the flags: it
 *   knows D3_ROOT and D3_DEPOT too.
 * - Ask with `terminal.confirm({ question, flag: '-a' })`; skip the call when the flag was given.
 */
export abstract class D3Command<Result, T extends typeof Command = typeof Command> extends Command {
  static override baseFlags = everyFlags;
  static override flags = {};
  static override args = {};
  /** Told to stop, it ends well: it would go on for ever otherwise. */
  static endsBySignal = false;
  /** Under which heading `d3 help` lists the command. */
  static helpSection = 'Other commands';

  protected abstract execute(context: CommandContext<FlagsOf<T>, ArgsOf<T>>): Promise<Outcome<Result>>;

  /** Shows the result to a person. */
  protected abstract render(result: Result, terminal: Terminal): void | Promise<void>;

  /** As oclif runs a command, but with the configuration there is: oclif would build it all over again. */
  static override async run<T extends Command>(
    this: new (
      argv: string[],
      config: Config,
    ) => T,
    argv?: string[],
    options?: Interfaces.LoadOptions,
  ): Promise<ReturnType<T['run']>> {
    const config = options instanceof Config ? options : await Config.load(options);
    return await (new this(argv ?? process.argv.slice(2), config) as unknown as Runnable<T>)['_run']();
  }

  /** Parses, executes, shows; everything a command could forget. Never throws. @returns the exit code */
  override async run(): Promise<number> {
    const session = sessionOf(this.config);
    session.command = this.ctor.id.replaceAll(':', ' ');
    // oclif warns about a command that does not call its parse(); reading the command line is done below.
    this.parsed = true;

    let context: CommandContext<FlagsOf<T>, ArgsOf<T>>;
    try {
      context = await this.#read(session);
    } catch (error) {
      return session.fail(failureOf(error, this.#usage()));
    }

    try {
      session.listening = true;
      session.signal.throwIfAborted();
      const outcome = await this.#executed(context);
      return await this.#end(session, outcome);
    } catch (error) {
      // However the work noticed the signal, what is told is the signal.
      const stopped = session.stoppedBy !== null && (isAbort(error) || error === session.signal.reason);
      return session.fail(failureOf(stopped && session.stoppedBy ? interruption(session.stoppedBy) : error));
    }
  }

  /** Whatever comes of it, what was drawn meanwhile stands still before anything else is written. */
  async #executed(context: CommandContext<FlagsOf<T>, ArgsOf<T>>): Promise<Outcome<Result>> {
    try {
      return await this.execute(context);
    } finally {
      await context.terminal.settle();
    }
  }

  async #end(session: Session, outcome: Outcome<Result>): Promise<number> {
    const { terminal } = session;
    const stoppedBy = this.#endsBySignal ? null : session.stoppedBy;
    const errors = [...(outcome.errors ?? []), ...(stoppedBy === null ? [] : [interruption(stoppedBy)])];
    const exit = stoppedBy === null ? (outcome.exit ?? exitOf(errors)) : signalExit(stoppedBy);
    for (const warning of outcome.warnings ?? []) terminal.warn(warning);
    if (!terminal.json) {
      await terminal.paged(() => this.render(outcome.result, terminal));
      showErrors(terminal, { exit, errors }, 'error');
    }
    const { result, run = null } = outcome;
    return session.finish({ command: session.command, exit, run, result, errors });
  }

  async #read(session: Session): Promise<CommandContext<FlagsOf<T>, ArgsOf<T>>> {
    const { terminal, env } = session;
    refuseUnclearSwitches({ ...this.ctor.baseFlags, ...this.ctor.flags }, env);
    const parsed = await this.#parsed();
    const flags = wrapLists(parsed.flags, { ...this.ctor.baseFlags, ...this.ctor.flags });
    const times = (name: string): number =>
      Math.max(parsed.raw.filter((token) => token.type === 'flag' && token.flag === name).length, flags[name] ? 1 : 0);
    const inputs = readInputs(flags, env);
    settingsComeFrom(() => this.config.getPluginsList());
    kindsComeFrom(() => this.config.getPluginsList());
    if (isMarkedForDebugging(machinePaths(inputs.root, process.platform))) flags['debug'] = true;
    terminal.configure({
      json: flags['json'] === true,
      noInput: flags['no-input'] === true,
      debug: flags['debug'] === true,
      verbosity: times('verbose') - times('quiet'),
    });
    if (flags['walkthru'] === true && !terminal.canAsk) throw nobodyToWalk(this.ctor.id.replaceAll(':', ' '));
    return {
      flags: flags as FlagsOf<T>,
      args: parsed.args as ArgsOf<T>,
      terminal,
      report: reporterTo(terminal),
      signal: session.signal,
      env,
      inputs,
      hooks: hookSource(this.config.getPluginsList(), this.config.pjson.oclif.plugins ?? []),
      trace: hookTracer(terminal, flags['trace-hooks'] === true),
      version: this.config.version,
    };
  }

  get #endsBySignal(): boolean {
    return (this.ctor as typeof Command & { endsBySignal?: boolean }).endsBySignal === true;
  }

  /** Who is walked through a command is asked for what it cannot do without. */
  async #parsed() {
    const parse = (needed: boolean) =>
      Parser.parse(this.argv, {
        flags: prepareFlags({ ...this.ctor.baseFlags, ...this.ctor.flags }),
        args: prepareArgs(this.ctor.args, needed),
        strict: this.ctor.strict,
        ...(this.ctor.constraints === undefined ? {} : { constraints: this.ctor.constraints }),
        context: this,
      });
    if (!('walkthru' in this.ctor.flags)) return parse(true);
    const parsed = await parse(false);
    return (parsed.flags as Record<string, unknown>)['walkthru'] === true ? parsed : parse(true);
  }

  #usage(): Usage {
    const flags = Object.entries({ ...this.ctor.baseFlags, ...this.ctor.flags });
    return { line: usageLine(this.config.bin, this.ctor), flags: flags.map(([name]) => `--${name}`) };
  }
}

/** What oclif starts a command with; it keeps it to its own classes. */
interface Runnable<T extends Command> {
  _run(): Promise<ReturnType<T['run']>>;
}

/** The context of a command class, for the signature of `execute`. */
export type ContextOf<T extends typeof Command> = CommandContext<FlagsOf<T>, ArgsOf<T>>;

/** Commands that work on this machine: `--root`, `--depot`, `-q`, `-v`, `-d`. */
export abstract class ClientCommand<Result, T extends typeof Command = typeof Command> extends D3Command<Result, T> {
  static override baseFlags = clientFlags;
  static override helpSection = 'On this machine';
}

/** Commands under `admin`: global flags by their long names only. */
export abstract class AdminCommand<Result, T extends typeof Command = typeof Command> extends D3Command<Result, T> {
  static override baseFlags = adminFlags;
  static override helpSection = 'For admins';
}

/** One or more words: the argument most commands take. */
export function targets(name: string, description: string): Interfaces.Arg<string[]> {
  return Args.string({ name, description, required: true, multiple: true });
}

/** What d3 wants of every flag: readable from the environment, never taking more words than its own, and a switch that is left out off. */
function prepareFlags(flags: Interfaces.FlagInput): Interfaces.FlagInput {
  return Object.fromEntries(
    Object.entries(flags).map(([name, flag]) => [
      name,
      {
        ...flag,
        env: flagVariable(name),
        ...(flag.type === 'option' ? { multipleNonGreedy: true } : defaultOf(flag)),
      },
    ]),
  ) as Interfaces.FlagInput;
}

/** A switch that can also be said with `--no-` is neither where it is left out. */
function defaultOf(flag: { default?: unknown; allowNo?: boolean }): { default?: unknown } {
  return flag.default === undefined && flag.allowNo === true ? {} : { default: flag.default ?? false };
}

/** A switch that is set in the environment says yes or no; anything else would count as no without a word. */
function refuseUnclearSwitches(flags: Interfaces.FlagInput, env: Readonly<Record<string, string | undefined>>): void {
  for (const [name, flag] of Object.entries(flags)) {
    const variable = flagVariable(name);
    const value = env[variable];
    if (flag.type !== 'boolean' || value === undefined || value === '' || yesOrNo(value) !== null) continue;
    throw new D3Error('SWITCH_UNCLEAR', 'usage', `${variable} is "${value}", which is neither yes nor no.`, {
      target: variable,
      actions: ['Set it to y, yes, true, 1 or n, no, false, 0, or leave it out.'],
    });
  }
}

/** oclif takes a missing argument from stdin, which would swallow the input of a loop around d3. */
function prepareArgs(args: Interfaces.ArgInput, needed: boolean): Interfaces.ArgInput {
  return Object.fromEntries(
    Object.entries(args).map(([name, arg]) => [
      name,
      { ...arg, ignoreStdin: true, ...(needed ? {} : { required: false }) },
    ]),
  );
}

function nobodyToWalk(command: string): D3Error {
  return new D3Error('ANSWER_NEEDED', 'usage', 'Nobody is here to be walked through it.', {
    target: '-w/--walkthru',
    actions: [`Give what you want as flags: see d3 help ${command}`],
  });
}

/** A list flag that came from the environment is a single value; everywhere else it is a list. */
function wrapLists(values: Record<string, unknown>, flags: Interfaces.FlagInput): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      const flag = flags[name];
      const list = flag?.type === 'option' && flag.multiple === true && value !== undefined && !Array.isArray(value);
      return [name, list ? [value] : value];
    }),
  );
}

function isAbort(error: unknown): boolean {
  return (
    error instanceof Error && (error.name === 'AbortError' || (error as NodeJS.ErrnoException).code === 'ABORT_ERR')
  );
}
