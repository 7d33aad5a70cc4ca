import { Command, Flags, type Interfaces } from '@oclif/core';
import type { AdminPort } from './admin.ts';
import type { ExecPort, PluginContext } from './context.ts';
import type { CsvTable } from './csv.ts';
import type { D3Error } from './errors.ts';
import type { Json } from './events.ts';
import type { Reporter } from './progress.ts';
import type { ProvisioningLogin } from './provisioning.ts';
import type { Questions } from './questions.ts';

/** On every command of d3 and of its plugins. */
export const everyFlags = {
  json: Flags.boolean({ summary: 'Print one JSON document on stdout.', helpGroup: 'GLOBAL' }),
  'no-input': Flags.boolean({ summary: 'Never ask; fail naming the flag that would answer.', helpGroup: 'GLOBAL' }),
  debug: Flags.boolean({ summary: 'Say everything, with stack traces.', helpGroup: 'GLOBAL' }),
  'trace-hooks': Flags.boolean({ summary: 'Show each call of a plugin.', helpGroup: 'GLOBAL' }),
};

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** A time in seconds, typed as seconds (`90`) or with a unit (`90s`, `15m`, `1h`); anything else is wrong usage. */
export const duration = Flags.custom<number>({
  parse: async (input) => {
    const [, digits, unit = 's'] = /^(\d{1,9})([smh])?$/.exec(input) ?? [];
    if (digits === undefined) throw new Error(`"${input}" is no time such as 90, 90s, 15m or 1h.`);
    return Number(digits) * (SECONDS[unit] as number);
  },
});

/** On every command that works on this machine. */
export const machineFlags = {
  ...everyFlags,
  debug: Flags.boolean({ char: 'd', summary: 'Say everything, with stack traces.', helpGroup: 'GLOBAL' }),
  quiet: Flags.boolean({ char: 'q', summary: 'Say less; repeatable.', helpGroup: 'GLOBAL' }),
  verbose: Flags.boolean({ char: 'v', summary: 'Say more; repeatable.', helpGroup: 'GLOBAL' }),
  root: Flags.string({
    helpValue: 'DIR',
    summary: 'The root of the machine to work on; else D3_ROOT, else /.',
    helpGroup: 'GLOBAL',
  }),
  depot: Flags.string({
    helpValue: 'DIR',
    summary: 'The folder of the depot; else D3_DEPOT, else the configuration.',
    helpGroup: 'GLOBAL',
  }),
};

/** On commands that decide something about a machine, which is kept with who did. */
export const adminFlag = {
  admin: Flags.string({ char: 'a', helpValue: 'NAME', summary: 'Who is doing this; kept with what is decided.' }),
};

/** On every command that administers a depot: long names only. */
export const depotFlags = {
  ...everyFlags,
  quiet: Flags.boolean({ summary: 'Say less; repeatable.', helpGroup: 'GLOBAL' }),
  verbose: Flags.boolean({ summary: 'Say more; repeatable.', helpGroup: 'GLOBAL' }),
  depot: Flags.string({
    helpValue: 'DIR',
    summary: 'The depot to administer; else D3_DEPOT, else the configuration.',
    helpGroup: 'GLOBAL',
  }),
  admin: Flags.string({ helpValue: 'NAME', summary: 'Act as this person.', helpGroup: 'GLOBAL' }),
};

/** Things that happen side by side, drawn on the terminal until each has ended. */
export interface Branches {
  /** What is said of one of them, by its place. */
  show(index: number, text: string): void;
  /** @param end `open`: it did not end, and nobody waits for it any more */
  end(index: number, end: 'done' | 'failed' | 'skipped' | 'open'): void;
  /** Waits until all stands still; what has not ended stays open. */
  settle(): Promise<void>;
}

/** What a command that goes on for long shows meanwhile. */
export interface Following {
  /** Null where nothing is drawn: no terminal, or --json. */
  branches(titles: readonly string[]): Promise<Branches | null>;
  /** Something that happened: a line of the result, and with --json a line of JSON. */
  happened(event: Json, text: string): void;
}

/** What a plugin's command gets to work with. */
export interface CommandContext {
  flags: Readonly<Record<string, unknown>>;
  args: Readonly<Record<string, unknown>>;
  /** Absolute path of the root of the machine to work on. */
  root: string;
  /** Says what happens while the command works; it goes to stderr. */
  ui: Reporter;
  /** Aborted when d3 is stopped. */
  signal: AbortSignal;
  /** The version of d3. */
  version: string;
  /** The d3 that runs: absolute path of its program. */
  program: string;
  /**
   * Who acts on this machine: `--admin`, else as the environment or the configuration says.
   * @param how `perhaps`: where nobody is named, records say `unknown`
   * @throws D3Error usage `ADMIN_NAME` when nobody is named
   */
  admin: (how: 'required' | 'perhaps') => Promise<string>;
  /** Whether somebody sits at the terminal of the command and may be asked: neither --json nor --no-input. */
  canAsk: boolean;
  /** That person. Asked where nobody can be, each question is an error that names the flag in its place. */
  ask: Questions;
  follow: Following;
  /** A table as comma separated values (RFC 4180), in which nothing is run as a formula or obeyed by a terminal. */
  csv(table: CsvTable): string;
  /** Runs programs that leave this machine alone, in private folders of whoever runs the command: no rights are needed for it. */
  exec: ExecPort;
  /** The same ports as hooks get. Made when it is asked for: a command that needs none starts without them. */
  ports: () => Promise<PluginContext>;
  /**
   * Opens the depot that `--depot` names for one piece of work, and closes it. For a {@link DepotCommand}.
   * @param how `changes`: somebody has to be named, as for every `d3admin` command that changes something
   * @param work `ports.admin` is the same depot
   * @param login whose account does it, in place of who is named and what is kept: their name, and for a depot that is served their
   *   token as the password
   * @throws D3Error notAuthorised for an account that is refused, or when none is known
   */
  depot: <Result>(
    how: 'reads' | 'changes',
    work: (admin: AdminPort, ports: PluginContext) => Promise<Result>,
    login?: ProvisioningLogin | null,
  ) => Promise<Result>;
  /** What that depot is: a folder here, served, or none that is known. */
  depotKind: () => Promise<'folder' | 'served' | 'none'>;
}

/** How a plugin's command ended. */
export interface CommandOutcome<Result extends Json> {
  result: Result;
  /** An exit code of the table; left out: 0, or what the errors amount to. */
  exit?: number;
  errors?: readonly D3Error[];
  warnings?: readonly string[];
}

/** The part of d3 that runs commands: parsing, the envelope, errors, signals and exit codes. */
export interface CommandHost {
  run(command: PluginCommand): Promise<number>;
}

/**
 * The base of a plugin's commands. It parses nothing and prints nothing: `execute` does the work, `text` puts its result
 * into words, and d3 does the rest, with `--json`, one envelope and one table of exit codes as everywhere.
 *
 * ```ts
 * export default class Moon extends PluginCommand<{ phase: string }> {
 *   static override summary = 'Say how the moon stands.';
 *
 *   async execute() {
 *     return { result: { phase: 'full' } };
 *   }
 *
 *   text({ phase }: { phase: string }): string {
 *     return `The moon is ${phase}.`;
 *   }
 * }
 * ```
 */
export abstract class PluginCommand<Result extends Json = Json> extends Command {
  static override baseFlags: Interfaces.FlagInput = everyFlags;

  /** Told to stop, it ends well: it would go on for ever otherwise. */
  static endsBySignal = false;

  /** Does the work. What ends it is thrown, as a D3Error; failures of single targets go into the outcome. */
  abstract execute(context: CommandContext): Promise<CommandOutcome<Result>>;

  /** The result for a person; not called under --json. */
  abstract text(result: Result): string;

  override run(): Promise<number> {
    // oclif warns about a command that does not call its parse(); d3 reads the command line.
    this.parsed = true;
    const { d3CommandHost } = this.config.options as { d3CommandHost?: CommandHost };
    if (d3CommandHost === undefined) throw new Error('this command runs under d3 only');
    return d3CommandHost.run(this);
  }
}

/** The base of a plugin's commands that work on this machine: `--root`, `--depot`, `-q`, `-v`, `-d`. */
export abstract class MachineCommand<Result extends Json = Json> extends PluginCommand<Result> {
  static override baseFlags: Interfaces.FlagInput = machineFlags;
}

/** The base of a plugin's commands that administer a depot: `--depot`, `--admin`. */
export abstract class DepotCommand<Result extends Json = Json> extends PluginCommand<Result> {
  static override baseFlags: Interfaces.FlagInput = depotFlags;
}
