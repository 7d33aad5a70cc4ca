import { D3Error, type ProvisioningLogin } from '@d3/sdk';
import { findCredentials } from '../config/credentials.ts';
import type { Preferences } from '../config/preferences.ts';
import type { Settings } from '../config/settings.ts';
import { depotUrl } from '../depot/index.ts';
import { credentialParts } from './credential-parts.ts';
import { refuseInTheClear } from './depot-location.ts';

/**
 * The token a served depot is asked with: that of D3_CREDENTIALS, else the one that is kept, which goes to the host of
 * the depot that is set and to no other.
 * @throws D3Error notAuthorised when there is none, refused when everybody on the way could read it
 */
export async function tokenFor(
  url: URL,
  settings: Pick<Settings, 'depot'>,
  preferences: Preferences,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const { host, origin } = url;
  refuseInTheClear(url, 'A token is');
  const { found, keeping } = await findCredentials(preferences, credentialParts(env));
  const set = preferences.depot ?? settings.depot;
  const isOfThisHost = set !== null && depotUrl(set)?.origin === origin;
  if (found !== null && (keeping === 'environment' || isOfThisHost)) return found.secret;
  throw new D3Error(
    'NO_TOKEN',
    'notAuthorised',
    found === null
      ? `No token for the depot at ${host} is known.`
      : `The token that is kept is for the depot that is set, not for ${host}.`,
    {
      target: url.href,
      actions: [
        'ask an admin of the depot for one: d3admin token add NAME --role ROLE',
        ...(found === null ? [] : [`set this depot: d3admin config depot ${url.href}`]),
        'keep it: d3admin config credentials NAME, or give D3_CREDENTIALS=NAME:TOKEN',
      ],
    },
  );
}

/** The token of somebody who gives it for this once. @throws D3Error refused when everybody on the way could read it */
export function tokenOf({ password }: ProvisioningLogin, url: URL): string {
  refuseInTheClear(url, 'A token is');
  return password;
}

/** A token is somebody's: it opens nothing for another name. Closes the depot when it is not theirs. @throws D3Error notAuthorised */
export async function requireOwner(
  { user }: ProvisioningLogin,
  depot: { admin: string | null; close(): Promise<void> },
): Promise<void> {
  if (depot.admin !== null && depot.admin.toLowerCase() === user.trim().toLowerCase()) return;
  await depot.close();
  throw new D3Error('TOKEN_OF_ANOTHER', 'notAuthorised', `That is no token of ${user}’s.`, {
    target: user,
    actions: ['use the name the token was made for: d3admin token list'],
  });
}
