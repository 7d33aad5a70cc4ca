import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Recording } from '../recorded/mac.ts';

/** Programs that answer as recorded, and keep what they were called with. */
export interface Recorded<Name extends string> {
  /** Path of each. */
  programs: Record<Name, string>;
  /** Every call so far, its program's name first. */
  calls: () => string[];
}

/**
 * Puts programs into a folder that answer as recorded; the first recording that fits counts. A call nothing was recorded for
 * ends with 99.
 */
export function recorded<Name extends string>(
  folder: string,
  recordings: Record<Name, readonly Recording[]>,
): Recorded<Name> {
  const log = path.join(folder, 'calls');
  rmSync(log, { force: true });
  const entries = Object.entries(recordings) as [Name, readonly Recording[]][];
  const programs = entries.map(([name, answers]): [Name, string] => {
    const cases = answers.map(({ args, stdout = '', stderr = '', code = 0, does = ':' }, at) => {
      const out = path.join(folder, `${name}-${at}.out`);
      const err = path.join(folder, `${name}-${at}.err`);
      writeFileSync(out, stdout);
      writeFileSync(err, stderr);
      const fits = args.map((word, index) => (word === '*' ? '' : `[ "$${index + 1}" = '${word}' ] && `)).join('');
      return `if [ $# -eq ${args.length} ] && ${fits}true; then\n${does}\ncat '${out}'; cat '${err}' >&2; exit ${code}\nfi`;
    });
    const program = path.join(folder, name);
    const script = ['#!/bin/sh', `echo "${name} $*" >> '${log}'`, ...cases, 'echo "unexpected: $*" >&2', 'exit 99', ''];
    writeFileSync(program, script.join('\n'));
    chmodSync(program, 0o755);
    return [name, program];
  });
  return {
    programs: Object.fromEntries(programs) as Record<Name, string>,
    calls: () => (existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n') : []),
  };
}
