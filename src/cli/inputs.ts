import { resolve } from 'node:path';
import { D3Error } from '@d3/sdk';
import { flagVariable } from './flags.ts';

/** What comes from flags or, without them, from the environment. */
export interface Inputs {
  /** Absolute path of the root of the machine to work on. */
  root: string;
  /** Where the depot is, if it was said: a folder or a URL. The configuration may know otherwise. */
  depot: string | null;
  /** Address of the depot's PostgreSQL database; it may hold a password. */
  depotDatabase: string | null;
  /** The run this process belongs to, when a script of d3 started it. */
  run: string | null;
  /** No plugins, and no sync. */
  safeMode: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * @param flags the values of the flags; `root` and `depot` are read where a command has them
 * @throws {D3Error} EMPTY_VALUE (usage) for a root or depot given as an empty string: a script whose variable is
 *   unset must not end up working on the machine it runs on
 */
export function readInputs(flags: Readonly<Record<string, unknown>>, env: Environment): Inputs {
  return {
    root: resolve(place('root', 'D3_ROOT', flags, env) ?? '/'),
    depot: place('depot', 'D3_DEPOT', flags, env),
    depotDatabase: env['D3_DEPOT_DATABASE'] || null,
    run: env['D3_RUN'] || null,
    safeMode: env['D3_SAFE_MODE'] === '1',
  };
}

function place(
  flag: string,
  variable: string,
  flags: Readonly<Record<string, unknown>>,
  env: Environment,
): string | null {
  const given = flags[flag];
  if (typeof given === 'string') return notEmpty(given, `--${flag}`);
  const fromFlagVariable = env[flagVariable(flag)];
  if (fromFlagVariable !== undefined) return notEmpty(fromFlagVariable, flagVariable(flag));
  const value = env[variable];
  return value === undefined ? null : notEmpty(value, variable);
}

function notEmpty(value: string, source: string): string {
  if (value !== '') return value;
  throw new D3Error('EMPTY_VALUE', 'usage', `${source} is given but empty.`, {
    target: source,
    actions: ['Give a place, or leave it out.'],
  });
}
