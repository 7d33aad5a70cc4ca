import type { Request } from '../planner/types.ts';
import type { MachineHere } from './machine.ts';

interface InstallFlags {
  force: boolean;
  puppies: boolean;
  freeze: boolean;
  expiration?: number | undefined;
  admin?: string | undefined;
}

/** `install` and `pilot` are asked for alike. */
export function installRequest(
  kind: 'install' | 'pilot',
  names: string[],
  { force, puppies, freeze, expiration, admin: given }: InstallFlags,
  here: MachineHere,
): { request: Request; admin: string } {
  const admin = here.admin(given);
  return { admin, request: { kind, targets: names, admin, force, puppies, freeze, expiration: expiration ?? null } };
}
