import { readFileSync } from 'node:fs';
import path from 'node:path';
import { CALLS, type Call, ROLES, type Role } from './connector/calls.ts';

interface Operation {
  'x-required-privileges'?: string[];
}

/** A role to make in Jamf Pro; a type, so that it is JSON. */
export type RoleNeeds = { role: Role; privileges: string[] };

/** What each of a site's API clients has to be allowed: what the calls made need, by the schema of the server, and no more. */
export function leastPrivileges(): RoleNeeds[] {
  const file = path.join(import.meta.dirname, '../schema/calls.json');
  const schema = JSON.parse(readFileSync(file, 'utf8')) as { paths: Record<string, Record<string, Operation>> };
  const calls: Call[] = Object.values(CALLS);
  return ROLES.map((role) => {
    const needed = calls
      .filter(({ roles }) => roles.includes(role))
      .flatMap(({ method, paths, privileges = [] }) => [
        ...privileges,
        ...paths.flatMap((one) => schema.paths[one]?.[method]?.['x-required-privileges'] ?? []),
      ]);
    return { role, privileges: [...new Set(needed)].sort() };
  });
}
