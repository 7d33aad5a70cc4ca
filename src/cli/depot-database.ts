import { D3Error } from '@d3/sdk';
import type { Settings } from '../config/settings.ts';
import type { DatabaseGiven } from '../depot/index.ts';

/**
 * What is said of the depot's database: D3_DEPOT_DATABASE, else `database.url`; the password that goes with it is the
 * address's own or what `database.password` names.
 * @throws D3Error usage `DATABASE_SECRET` for a configured address with a password: many may read a configuration
 */
export async function databaseGiven(
  fromEnvironment: string | null,
  { databaseUrl, databasePassword }: Pick<Settings, 'databaseUrl' | 'databasePassword'>,
): Promise<DatabaseGiven> {
  if (databaseUrl !== null && hasPassword(databaseUrl)) throw secretInAddress('database.url');
  const url = fromEnvironment ?? databaseUrl;
  // A password in the environment is for the address there; another one's would be sent to the wrong server.
  if (databasePassword === null || (fromEnvironment !== null && hasPassword(fromEnvironment)))
    return { url, password: null };
  const { readSecret } = await import('../config/secrets.ts');
  return { url, password: await readSecret('database.password', databasePassword) };
}

export function hasPassword(url: string): boolean {
  return /^[a-z]+:\/\/[^/?#]*:[^/?#]*@/i.test(url);
}

/** @param place where the address was found */
export function secretInAddress(place: string): D3Error {
  return new D3Error(
    'DATABASE_SECRET',
    'usage',
    `The address in ${place} holds a password, which others can read there.`,
    {
      target: place,
      actions: [
        'leave the password out, and let database.password name a file or a command that has it',
        'or give the whole address in D3_DEPOT_DATABASE',
      ],
    },
  );
}
