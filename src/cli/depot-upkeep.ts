import path from 'node:path';
import { D3Error, type Reporter } from '@d3/sdk';
import { loadSettings } from '../config/layers.ts';
import { type BackedUp, backUpDepot, type Moved, moveDepot, openDepot, restoreDepot } from '../depot/index.ts';
import { systemClock } from '../platform/clock.ts';
import { machinePaths } from '../platform/paths.ts';
import { type AdminInput, depotHere } from './admin-here.ts';
import { databaseGiven, hasPassword, secretInAddress } from './depot-database.ts';

/** Moving, keeping and bringing back a whole depot, from the words of a command line. */

type Input = Pick<AdminInput, 'inputs' | 'terminal' | 'report' | 'signal'>;

/** @param to an address without a password, or a folder @param passwordFile where the password for the address is */
export async function moveHere(
  input: Input,
  { to, passwordFile, dryRun }: { to: string; passwordFile: string | undefined; dryRun: boolean },
): Promise<Moved> {
  const { settings, dir, database } = await depotHere(input);
  const { report, signal } = input;
  if (hasPassword(to)) throw secretInAddress('--to');
  const password = await passwordFor(to, passwordFile, input.inputs.depotDatabase, settings);
  // What the environment names may be where the store is to go: then the store is still where the folder says.
  const isTarget = input.inputs.depotDatabase !== null && withoutPassword(input.inputs.depotDatabase) === to;
  const given = isTarget ? { url: null, password: database.password } : database;
  return moveDepot({ dir, database: given, to, password, dryRun, report, signal });
}

async function passwordFor(
  to: string,
  passwordFile: string | undefined,
  environment: string | null,
  { databasePassword }: { databasePassword: Parameters<typeof databaseGiven>[1]['databasePassword'] },
): Promise<string | null> {
  if (!/^postgres/i.test(to)) return null;
  const { readSecret } = await import('../config/secrets.ts');
  if (passwordFile !== undefined) return readSecret('--password-file', { file: path.resolve(passwordFile) });
  if (environment !== null && withoutPassword(environment) === to) {
    const { password } = new URL(environment);
    if (password !== '') return decodeURIComponent(password);
  }
  return databasePassword === null ? null : readSecret('database.password', databasePassword);
}

function withoutPassword(url: string): string {
  return url.replace(/^([a-z]+:\/\/[^/?#:@]*):[^/?#@]*@/i, '$1@');
}

export async function backUpHere(input: Input, to: string): Promise<BackedUp> {
  const { dir, database } = await depotHere(input);
  const { report, signal } = input;
  return backUpDepot(dir, to, { database, clock: systemClock, report, signal });
}

/** @param dir where the depot is to be; null: as the inputs say */
export async function restoreHere(input: Input, backup: string, dir: string | undefined): Promise<BackedUp> {
  const said = dir ?? input.inputs.depot;
  if (said === null || said === '') {
    throw new D3Error('NO_DEPOT', 'usage', 'Say where the depot is to be.', {
      actions: ['d3 depot restore BACKUP DIR'],
    });
  }
  const { report, signal } = input;
  const settings = await loadSettings(machinePaths('/', process.platform));
  const database = await databaseGiven(input.inputs.depotDatabase, settings);
  const restored = await restoreDepot(backup, said, { database, report, signal });
  await publishedAgain(restored.depot, database, report);
  return restored;
}

/** Its machines know newer numbers by now: the next publication stands above them. */
async function publishedAgain(
  dir: string,
  database: Parameters<typeof backUpDepot>[2]['database'],
  report: Reporter,
): Promise<void> {
  try {
    const depot = await openDepot(dir, { clock: systemClock, database });
    await depot.close();
  } catch (error) {
    const text = `the depot is back, but not published yet: ${(error as Error).message}`;
    report({ type: 'warning', target: dir, text });
  }
}
