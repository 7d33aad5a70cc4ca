import { stripVTControlCharacters } from 'node:util';
import { combineExitCodes, D3Error, D3Errors, EXIT_CODES } from '@d3/sdk';
import type { Terminal } from './terminal.ts';

/** Any failure, made into what can be shown: the errors and the exit code of the whole. */
export interface Failure {
  exit: number;
  errors: readonly D3Error[];
  /** The stack of an unexpected error, for --debug. */
  stack?: string | undefined;
}

/** What oclif's parser hangs on its errors; only the fields read here. */
interface OclifError extends Error {
  oclif?: { exit?: number };
  code?: string;
  flags?: readonly string[];
  args?: readonly (string | { name?: string })[];
  parse?: unknown;
}

/** How a command line is spoken about: its name, how to call it, and the flags it knows. */
export interface Usage {
  line: string;
  flags: readonly string[];
}

/**
 * Makes any thrown value presentable. d3's own errors are taken as they are; what oclif's parser throws becomes
 * wrong usage with the flag or argument as target; anything else is a bug, but for the few errors of the operating
 * system that only say what is wrong with the machine.
 * @param usage the command's usage, while its command line is being read
 */
export function failureOf(thrown: unknown, usage?: Usage): Failure {
  if (thrown instanceof D3Errors) return { exit: thrown.exitCode, errors: thrown.errors };
  if (thrown instanceof D3Error) {
    const error = usage === undefined ? thrown : withoutParserNoise(thrown);
    return { exit: error.exitCode, errors: [error] };
  }
  if (!(thrown instanceof Error)) return bug(new Error(String(thrown)));

  const error = thrown as OclifError;
  if (error.code === 'EEXIT') return { exit: error.oclif?.exit ?? 0, errors: [] };
  if (usage !== undefined && (error.oclif !== undefined || error.message.startsWith('Parsing --'))) {
    return usageFailure(error, usage);
  }
  if (error.oclif?.exit !== undefined) {
    const wrapped = new D3Error(
      'COMMAND_FAILED',
      error.oclif.exit === 2 ? 'usage' : 'failed',
      firstPart(error.message),
    );
    return { exit: error.oclif.exit, errors: [wrapped], stack: error.stack };
  }
  if (MACHINE_ERRORS.has(error.code ?? '')) {
    const path = (error as NodeJS.ErrnoException).path;
    const wrapped = new D3Error(
      error.code as string,
      'failed',
      error.message,
      path === undefined ? {} : { target: path },
    );
    return { exit: wrapped.exitCode, errors: [wrapped], stack: error.stack };
  }
  return bug(error);
}

/** Errors of the operating system whose message is all there is to say. */
const MACHINE_ERRORS = new Set(['EACCES', 'EPERM', 'ENOSPC', 'EROFS', 'EDQUOT', 'EIO', 'EMFILE', 'ENFILE', 'ENOMEM']);

function bug(error: Error): Failure {
  const wrapped = new D3Error('BUG', 'bug', `Something went wrong that should not: ${error.message}`, {
    actions: ['This is a bug: please report it with the output of the same command and --debug.'],
    cause: error,
  });
  return { exit: wrapped.exitCode, errors: [wrapped], stack: error.stack };
}

function usageFailure(error: OclifError, usage: Usage): Failure {
  const messages = error.message.startsWith('The following error') ? reasons(error.message) : [cleaned(error)];
  const errors = messages.map(
    (message) =>
      new D3Error('USAGE', 'usage', message, {
        ...targetOf(error, message),
        actions: [...nearest(error, usage), `Usage: ${usage.line}`],
      }),
  );
  return { exit: EXIT_CODES.usage.code, errors };
}

/** oclif joins several reasons under one headline, one per line. */
function reasons(message: string): string[] {
  return firstPart(message)
    .split('\n')
    .slice(1)
    .map((line) => line.trim().replace(/^Missing required flag (\S+)$/, 'The flag --$1 is needed'))
    .filter((line) => line !== '');
}

function cleaned(error: OclifError): string {
  const name = error.constructor.name;
  if (name === 'NonExistentFlagsError') return `There is no flag ${list(error.flags ?? [])}.`;
  if (name === 'RequiredArgsError') return `What is missing: ${list((error.args ?? []).map(argName))}.`;
  if (name === 'UnexpectedArgsError') return `Too many words: ${list((error.args ?? []).map(argName))}.`;
  const parsing = /^Parsing --(\S+) \n\t([\s\S]*?)\nSee more help with --help$/.exec(error.message);
  if (parsing !== null) return `--${parsing[1]}: ${parsing[2]}`;
  return firstPart(error.message);
}

/** A D3Error thrown while a flag's value was read has been given a headline and a footer by the parser. */
function withoutParserNoise(error: D3Error): D3Error {
  const parsing = /^Parsing --(\S+) \n\t([\s\S]*?)\nSee more help with --help$/.exec(error.message);
  if (parsing === null) return error;
  return new D3Error(error.code, error.exit, parsing[2] as string, {
    target: error.target ?? `--${parsing[1]}`,
    actions: error.actions,
  });
}

function firstPart(message: string): string {
  return stripVTControlCharacters(message).replace(/\nSee more help with --help$/, '');
}

function argName(arg: string | { name?: string }): string {
  return typeof arg === 'string' ? arg : (arg.name ?? '').toUpperCase();
}

function list(words: readonly string[]): string {
  return words.join(', ');
}

function targetOf(error: OclifError, message: string): { target?: string } {
  if (error.flags !== undefined && error.flags.length > 0) return { target: list(error.flags) };
  if (error.args !== undefined && Array.isArray(error.args) && error.args.length > 0) {
    return { target: list(error.args.map(argName)) };
  }
  const flag = /--[a-z0-9][a-z0-9_-]*/i.exec(message);
  return flag === null ? {} : { target: flag[0] };
}

function nearest(error: OclifError, usage: Usage): string[] {
  return (error.flags ?? []).flatMap((flag) => {
    const near = closest(flag.split('=', 1)[0] as string, usage.flags, 1);
    return near.map((name) => `Did you mean ${name}?`);
  });
}

/**
 * The names most like a mistyped word, nearest first.
 * @param most how many at the most
 */
export function closest(word: string, names: Iterable<string>, most = 3): string[] {
  const limit = Math.max(2, Math.floor(word.length / 3));
  return [...new Set(names)]
    .map((name) => ({ name, distance: name.startsWith(word) && word.length > 1 ? 1 : editDistance(word, name) }))
    .filter((near) => near.distance <= limit && near.distance < near.name.length)
    .sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
    .slice(0, most)
    .map((near) => near.name);
}

/** Insertions, deletions, replacements and swaps of neighbours that lead from one word to the other. */
function editDistance(from: string, to: string): number {
  let before: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1];
      let best = Math.min(
        (last[j] as number) + 1,
        (row[j - 1] as number) + 1,
        (last[j - 1] as number) + (same ? 0 : 1),
      );
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]) {
        best = Math.min(best, (before[j - 2] as number) + 1);
      }
      row.push(best);
    }
    before = last;
    last = row;
  }
  return last[to.length] as number;
}

/**
 * Shows a failure on stderr: what happened, to what, and what to do next.
 * @param level `fatal` for what ended the command, `error` for single targets of a command that went on
 */
export function showErrors(terminal: Terminal, failure: Failure, level: 'fatal' | 'error' = 'fatal'): void {
  for (const error of failure.errors) terminal[level](errorText(error));
  if (failure.stack !== undefined) terminal.debug(failure.stack);
}

/** One error as text: the message with its target, then a line per action. */
export function errorText(error: D3Error): string {
  const { target, message } = error;
  const headline = target === null || message.includes(target) ? message : `${target}: ${message}`;
  const actions = error.actions.map((action) => (/^Usage: |\?$/.test(action) ? action : `Next: ${action}`));
  return [headline, ...actions].join('\n');
}

/** The exit code of a command that reports errors for single targets and says nothing else about its end. */
export function exitOf(errors: readonly D3Error[]): number {
  return combineExitCodes(errors.map((error) => error.exitCode));
}
