import { combineExitCodes, D3Error, EXIT_CODES } from '@d3/sdk';
import type { Assignment } from '../types.ts';
import type { Connected } from './connector.ts';

/** What became of one host. A type, so that it is JSON. */
export type HostFate = {
  host: string;
  role: string | null;
  fate: 'assigned' | 'held' | 'same' | 'unassigned' | 'failed';
  text: string;
};

export type Assigned = {
  deployment: string;
  dryRun: boolean;
  hosts: HostFate[];
};

/** What came of one host elsewhere; null: nobody else had to be told. */
export type End = { result: Connected | null } | { problem: D3Error };

export interface AssignOutcome {
  result: Assigned;
  exit: number;
  errors: D3Error[];
}

export function outcomeOf(result: Assigned, errors: D3Error[]): AssignOutcome {
  const bad = errors.map((error) => error.exitCode);
  const good = result.hosts.filter(({ fate }) => fate !== 'failed').map(() => EXIT_CODES.done.code);
  return { result, exit: combineExitCodes([...good, ...bad]), errors };
}

/** The assignment of a host, whose name counts in any case; null: it has none. */
export function here(hosts: readonly Assignment[], name: string): Assignment | null {
  return hosts.find(({ host }) => isSame(host, name)) ?? null;
}

export function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/** An error about one host. */
export function problem(
  code: string,
  exit: 'notFound' | 'refused',
  message: string,
  target: string,
  action: string,
): D3Error {
  return new D3Error(code, exit, message, { target, actions: [action] });
}
