import path from 'node:path';
import { D3Error } from '@d3/sdk';
import { depotUrl } from '../depot/index.ts';

/**
 * Where the depot is: as given (`--depot`, else D3_DEPOT), else as configured.
 * @returns an absolute path, an address, or null when nobody says
 * @throws D3Error usage for an address d3 cannot use, or one that carries a secret
 */
export function depotLocation(given: string | null, configured: string | null): string | URL | null {
  const said = given ?? configured;
  if (said === null) return null;
  const url = depotUrl(said);
  if (url !== null) return url;
  if (given === null && !path.isAbsolute(said)) {
    throw new D3Error(
      'DEPOT_RELATIVE',
      'usage',
      'The configured depot must be an absolute path: d3 runs in anybody’s folder.',
      {
        target: said,
        actions: ['write the whole path of the folder into the configuration'],
      },
    );
  }
  return path.resolve(said);
}

/** The folder of a depot, for what is done on its own host alone. @throws D3Error usage */
export function requireFolder(location: string | URL | null): string {
  const found = requireDepot(location);
  if (typeof found === 'string') return found;
  throw new D3Error('DEPOT_URL', 'usage', 'That is done in the folder of a depot, on its own host.', {
    target: found.href,
    actions: ['name the folder of the depot: --depot DIR'],
  });
}

/** The depot that is to be administered. @throws D3Error usage naming the three ways to say it */
export function requireDepot(location: string | URL | null): string | URL {
  if (location !== null) return location;
  throw new D3Error('NO_DEPOT', 'usage', 'No depot is known.', {
    actions: [
      'name it with --depot DIR, or D3_DEPOT=DIR, or "depot" in etc/d3.json under the root',
      'd3admin keeps one: d3admin config depot DIR',
    ],
  });
}

const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;

/**
 * @param what it is that would be sent, with its verb
 * @param otherwise what else can be done
 * @throws D3Error refused when everybody on the way could read a secret
 */
export function refuseInTheClear(url: URL, what: string, ...otherwise: string[]): void {
  const { protocol, hostname, host, pathname } = url;
  if (protocol === 'https:' || LOOPBACK.test(hostname)) return;
  throw new D3Error('CREDENTIALS_IN_THE_CLEAR', 'refused', `${what} not sent to ${host} unencrypted.`, {
    target: url.href,
    actions: [`let the depot be reached by https: https://${host}${pathname}`, ...otherwise],
  });
}
