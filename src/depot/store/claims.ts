import type { Kysely } from 'kysely';
import { type Claims, tellingClaims } from '../../catalog/claims.ts';
import type { Tables } from './tables.ts';

/** Keeps by what a computer is known again; writes nothing when it is known so already. */
export async function keepClaims(db: Kysely<Tables>, computerId: string, claims: Claims): Promise<void> {
  const wanted = tellingClaims(claims);
  const there = await db
    .selectFrom('computer_claims')
    .select(['kind', 'value'])
    .where('computer_id', '=', computerId)
    .execute();
  const isSame =
    there.length === wanted.length &&
    wanted.every(({ kind, value }) => there.some((known) => known.kind === kind && known.value === value));
  if (isSame) return;
  await db.deleteFrom('computer_claims').where('computer_id', '=', computerId).execute();
  if (wanted.length === 0) return;
  await db
    .insertInto('computer_claims')
    .values(wanted.map(({ kind, value }) => ({ computer_id: computerId, kind, value })))
    .execute();
}

/** The computers a machine may be: those that have its id or one of its claims. @returns their ids, in order */
export async function knownAs(db: Kysely<Tables>, computerId: string, claims: Claims): Promise<string[]> {
  const found = new Set<string>();
  const reported = await db.selectFrom('computers').select('id').where('id', '=', computerId).executeTakeFirst();
  const keyed = await db
    .selectFrom('tokens')
    .select('id')
    .where('computer_id', '=', computerId)
    .where('role', '=', 'machine')
    .limit(1)
    .executeTakeFirst();
  if (reported !== undefined || keyed !== undefined) found.add(computerId);
  for (const { kind, value } of tellingClaims(claims)) {
    const rows = await db
      .selectFrom('computer_claims')
      .select('computer_id')
      .where('kind', '=', kind)
      .where('value', '=', value)
      .execute();
    for (const row of rows) found.add(row.computer_id);
  }
  return [...found].toSorted();
}
