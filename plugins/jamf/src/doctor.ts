import { D3Error } from '@d3/sdk';
import type { CallName } from './connector/calls.ts';
import type { Connection } from './connector/connection.ts';

/** A type, so that it is JSON. */
export type Check = { check: string; ok: boolean; says: string };

const ONE: ReadonlyArray<readonly [string, string]> = [['page-size', '1']];
const READS: ReadonlyArray<readonly [string, CallName]> = [
  ['packages', 'packages'],
  ['computers', 'computers'],
];

/** What a site should check first on its own server. It only reads. */
export async function examine(connection: Connection): Promise<{ checks: Check[]; errors: D3Error[] }> {
  const checks: Check[] = [];
  const errors: D3Error[] = [];
  for (const [check, call] of READS) {
    try {
      const answer = (await connection.call(call, { query: ONE })) as { totalCount?: number } | null;
      checks.push({ check, ok: true, says: `${answer?.totalCount ?? 0} there` });
    } catch (error) {
      if (!(error instanceof D3Error)) throw error;
      checks.push({ check, ok: false, says: error.message });
      errors.push(error);
      // Nothing else is answered either; asking again would only lock an account.
      if (error.code === 'JAMF_NOT_AUTHORISED' || error.code === 'JAMF_UNREACHABLE') break;
    }
  }
  return { checks, errors };
}
