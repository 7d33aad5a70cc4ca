import { D3Error } from '@d3/sdk';
import type { MachineHere } from './machine.ts';

/** Who acts, where a command does without a name: records then say `unknown`. A name given must still name a person. */
export function optionalAdmin(given: string | undefined, here: MachineHere): string {
  try {
    return here.admin(given);
  } catch (error) {
    if (given === undefined && error instanceof D3Error && error.code === 'ADMIN_NAME') return 'unknown';
    throw error;
  }
}
