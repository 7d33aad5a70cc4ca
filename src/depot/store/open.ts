import { join } from 'node:path';
import type { Clock } from '../../platform/clock.ts';
import { refuseNetworkFilesystem } from '../../platform/filesystems.ts';
import { registerKinds } from '../kinds.ts';
import type { Store } from './contract.ts';
import { DATABASE_NAME, type Database, type DatabaseGiven, databaseOf } from './database.ts';
import type { Rows } from './rows.ts';

/**
 * Opens the store of a depot, wherever its folder says that is.
 * @param options.mustExist refuse a depot without a database instead of making one
 * @param options.database what the environment and the configuration say of it
 * @throws D3Error refused `NETWORK_FILESYSTEM` or `SCHEMA_NEWER`, notFound `STORE_NOT_FOUND`, notAuthorised `DEPOT_NOT_YOURS`,
 *   depotUnreachable `DATABASE_UNREACHABLE`
 */
export async function openStore(
  dir: string,
  { database = null, ...options }: { clock: Clock; mustExist: boolean; database?: DatabaseGiven | null },
): Promise<Store> {
  const { answer } = database ?? {};
  return openStoreIn(await databaseOf(dir, database), dir, { ...options, ...(answer === undefined ? {} : { answer }) });
}

/** Opens the store in the database that was chosen: the one place that tells one from the other. */
export async function openStoreIn(
  database: Database,
  dir: string,
  options: { clock: Clock; mustExist: boolean; answer?: number },
): Promise<Store> {
  registerKinds();
  if (database.kind === 'postgres') {
    const { openPostgresStore } = await import('./postgres-store.ts');
    return openPostgresStore(database.place, { ...options, identity: database.identity });
  }
  await refuseNetworkFilesystem(dir, 'The depot');
  const { openSqliteStore } = await import('./sqlite-store.ts');
  return openSqliteStore(join(dir, DATABASE_NAME), options);
}

/** Opens a depot's rows as they are, brought up to this d3's tables; whoever does closes them. @throws D3Error as {@link openStore} */
export async function openRowsIn(database: Database, dir: string): Promise<Rows> {
  if (database.kind === 'sqlite') {
    await refuseNetworkFilesystem(dir, 'The depot');
    const { openSqliteRows } = await import('./sqlite-store.ts');
    return openSqliteRows(join(dir, DATABASE_NAME), { mustExist: true });
  }
  const { openPostgresRows } = await import('./postgres-store.ts');
  const rows = await openPostgresRows(database.place);
  try {
    const { migrate, refuseAbsent } = await import('./migrations.ts');
    await refuseAbsent(rows.db, rows.traits, rows.where);
    await migrate(rows.db, rows.traits, rows.where, database.identity);
    return rows;
  } catch (error) {
    await rows.db.destroy();
    throw error;
  }
}
