import { join } from 'node:path';
import type { Clock } from '../../platform/clock.ts';
import { refuseNetworkFilesystem } from '../../platform/filesystems.ts';
import { registerCoreKinds } from '../kinds.ts';
import type { Store } from './contract.ts';

export const DATABASE_NAME = 'depot.db';

/**
 * Opens the store of an embedded depot, `DIR/depot.db`.
 * @param options.mustExist refuse a depot without a database instead of making one
 * @throws D3Error refused `NETWORK_FILESYSTEM` or `SCHEMA_NEWER`, notFound `STORE_NOT_FOUND`, notAuthorised `DEPOT_NOT_YOURS`
 */
export async function openStore(dir: string, options: { clock: Clock; mustExist: boolean }): Promise<Store> {
  await refuseNetworkFilesystem(dir, 'The depot');
  registerCoreKinds();
  const { openSqliteStore } = await import('./sqlite-store.ts');
  return openSqliteStore(join(dir, DATABASE_NAME), options);
}
