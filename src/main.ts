import { D3Error } from '@d3/sdk';
import type { CommandHost } from '@d3/sdk/command';
import { Config, type Interfaces, type Plugin, settings } from '@oclif/core';
import { type Entry, readCommandLine } from './argv.ts';
import { yesOrNo } from './catalog/yes-no.ts';
import { argvTable } from './cli/command-table.ts';
import { flagVariable, INPUT_VARIABLES } from './cli/flags.ts';
import { interruption, Session, type StopSignal, withSession } from './cli/session.ts';
import { blamed } from './startup/blame.ts';
import type { Installation } from './startup/installation.ts';
import { type FoundPlugins, findPlugins } from './startup/plugins.ts';
import { isRescue, silence, standardHooks } from './startup/standard-hooks.ts';
import { closest, failureOf } from './terminal/errors.ts';
import { Terminal } from './terminal/terminal.ts';

export interface MainOptions {
  entry?: Entry;
  /** Where d3 is and how it runs; with `load`, only oclif is told. */
  installation?: Installation;
  /** For oclif: another root with commands of its own, and no plugins. */
  load?: Partial<Interfaces.Options>;
  /** Where to print; the process's own streams by default. */
  terminal?: Terminal;
}

/**
 * Runs one command line.
 * @param argv without the interpreter and the script
 * @returns the exit code; whatever happens, nothing is thrown and --json prints exactly one envelope
 */
export async function main(argv: readonly string[], options: MainOptions): Promise<number> {
  const terminal = options.terminal ?? new Terminal();
  const session = new Session(terminal);
  // Until a command has read its flags, and when none does, these decide how a failure is shown.
  terminal.configure({ json: wants('json', argv), debug: wants('debug', argv), noInput: wants('no-input', argv) });
  keepOnlyInputs(process.env);
  const plugins: Plugin[] = [];
  const release = guard(session, plugins);
  try {
    return await run(argv, session, options, plugins);
  } catch (error) {
    return session.fail(failureOf(blamed(error, plugins)));
  } finally {
    release();
    await terminal.flush();
  }
}

/** The process's own: while a plugin is asked, `process.exit` is not. */
const endProcess = process.exit.bind(process);

/** Runs the commands of plugins, whose base finds it in oclif's options. */
const COMMAND_HOST: CommandHost = {
  run: async (command) => (await import('./cli/hosted-command.ts')).runHosted(command),
};

/** @param plugins filled with those that were loaded, for whoever has to tell where an error came from */
async function run(
  argv: readonly string[],
  session: Session,
  options: MainOptions,
  plugins: Plugin[],
): Promise<number> {
  // Sources are run by Node itself; oclif's own way of doing that would load a compiler.
  settings.enableAutoTranspile = false;
  const { installation } = options;
  session.installation = installation ?? null;
  const found = installation === undefined ? null : await findPlugins(installation, session.env);
  if (found !== null) plugins.push(...found.plugins.values());
  const config = await Config.load(
    withSession({ d3CommandHost: COMMAND_HOST, ...loadOptions(found, options) }, session),
  );

  const typed =
    argv[0] === '--jamf-params' ? (await import('./jamf-params.ts')).commandOfJamfParams(argv.slice(1)) : argv;
  const { path, rest } = readCommandLine(typed, options.entry ?? 'd3', argvTable(config.commands));
  const id = path.join(':');
  const command = config.findCommand(id);
  if (command === undefined) return await noCommand(path, config, session);

  session.command = path.join(' ');
  const rescue = isRescue(id);
  if (rescue) silence(plugins);
  else for (const warning of found?.warnings ?? []) session.terminal.warn(warning);
  if (command.pluginName !== config.name) session.terminal.letOthersPrint();
  const hook = standardHooks(config, session.terminal);
  let failure: Error | undefined;
  await hook('init', { argv: rest, id });
  try {
    const Command = await command.load();
    await hook('prerun', { argv: rest, Command });
    const result = await Command.run(rest, config);
    await hook('postrun', { argv: rest, Command, result });
    return session.exit ?? (typeof process.exitCode === 'number' ? process.exitCode : 0);
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error));
    throw error;
  } finally {
    await hook('finally', { argv: rest, id, Command: command, error: failure });
  }
}

/** What oclif is told: the plugins that were found, or where to look for commands. */
function loadOptions(found: FoundPlugins | null, { load = {} }: MainOptions): Interfaces.Options {
  if (found === null) return { root: '', userPlugins: false, devPlugins: false, ...load };
  // oclif would read a theme from the home folder of whoever calls.
  process.env['D3_DISABLE_THEME'] = '1';
  return { root: found.root, plugins: found.plugins, userPlugins: false, devPlugins: false };
}

/** No command was given, only a part of one, or one there is not. */
async function noCommand(path: readonly string[], config: Config, session: Session): Promise<number> {
  const words = path.join(' ');
  const topic = path.length === 0 || config.findTopic(path.join(':')) !== undefined;
  if (topic) {
    const { default: D3Help } = await import('./cli/help.ts');
    session.terminal.notice(new D3Help(config).usage(path));
    const usage = [config.bin, ...path, 'COMMAND'].join(' ');
    const error = new D3Error('COMMAND_MISSING', 'usage', 'A command is needed.', {
      actions: [`Usage: ${usage}`, `${[config.bin, 'help', ...path].join(' ')} tells more.`],
    });
    return session.fail({ exit: error.exitCode, errors: [error] });
  }
  const names = config.commands.filter((known) => !known.hidden).map((known) => known.id.replaceAll(':', ' '));
  const near = closest(words, names).map((name) => `Did you mean "${config.bin} ${name}"?`);
  const error = new D3Error('UNKNOWN_COMMAND', 'unknownCommand', `There is no command "${words}".`, {
    target: words,
    actions: [...near, `"${config.bin} help" lists all commands.`],
  });
  return session.fail({ exit: error.exitCode, errors: [error] });
}

/**
 * What can end the process from outside the flow of a command: signals, an error nobody waits for, an event loop with
 * nothing left to do while the command still waits, and a plugin that calls `process.exit`.
 * @param plugins those that may be to blame
 */
function guard(session: Session, plugins: readonly Plugin[]): () => void {
  let leaving = false;
  const leave = (code: number): void => {
    // What goes wrong on the way out changes nothing about it.
    if (leaving) return;
    leaving = true;
    void session.terminal.flush().finally(() => endProcess(code));
  };
  const stop = (by: StopSignal): void => {
    const again = session.stoppedBy !== null;
    session.stop(by);
    if (again || !session.listening) leave(session.fail(failureOf(interruption(session.stoppedBy ?? by))));
    else session.terminal.progress('Stopping at the next safe point. Once more stops at once.');
  };
  const handlers = {
    SIGINT: () => stop('SIGINT'),
    SIGTERM: () => stop('SIGTERM'),
    uncaughtException: (error: unknown) => leave(session.fail(failureOf(blamed(error, plugins)))),
    beforeExit: () => leave(session.fail(failureOf(new Error('the command waits for something that cannot happen')))),
    exit: () => {
      if (leaving) return;
      process.exitCode = session.fail(failureOf(new Error('something ended d3 before the command was done')));
    },
  };
  for (const [event, handler] of Object.entries(handlers)) process.on(event, handler);
  return () => {
    for (const [event, handler] of Object.entries(handlers)) process.removeListener(event, handler);
  };
}

/** Whether a global switch is on, found without knowing the command. */
function wants(name: string, argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  if ((end === -1 ? argv : argv.slice(0, end)).includes(`--${name}`)) return true;
  return yesOrNo(process.env[flagVariable(name)] ?? '') === true;
}

/** Any other D3_* is output for scripts and never read, by oclif neither. */
function keepOnlyInputs(env: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(env)) {
    if (name.startsWith('D3_') && !name.startsWith('D3_FLAG_') && !INPUT_VARIABLES.includes(name)) delete env[name];
  }
}
