import { readFileSync } from 'node:fs';
import path from 'node:path';
import { CALLS, type Call, type CallName, ROLES, type Role } from './connector/calls.ts';

interface Operation {
  'x-required-privileges'?: string[];
}

interface Schema {
  paths: Record<string, Record<string, Operation>>;
}

/** A role to make in Jamf Pro; a type, so that it is JSON. */
export type RoleNeeds = { role: Role; privileges: string[] };

let read: Schema | null = null;

/** What each of a site's API clients has to be allowed: what the calls made need, by the schema of the server, and no more. */
export function leastPrivileges(): RoleNeeds[] {
  const names = Object.keys(CALLS) as CallName[];
  return ROLES.map((role) => {
    const calls = names.filter((name) => (CALLS[name] as Call).roles.includes(role));
    return { role, privileges: [...new Set(calls.flatMap(privilegesOf))].sort() };
  });
}

/** What a call needs, by the schema of the server. */
export function privilegesOf(name: CallName): string[] {
  const file = path.join(import.meta.dirname, '../schema/calls.json');
  read ??= JSON.parse(readFileSync(file, 'utf8')) as Schema;
  const schema = read;
  const { method, paths, privileges = [] }: Call = CALLS[name];
  return [...privileges, ...paths.flatMap((one) => schema.paths[one]?.[method]?.['x-required-privileges'] ?? [])];
}
