import { D3Error } from '@d3/sdk';
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
