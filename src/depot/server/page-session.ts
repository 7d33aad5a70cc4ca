import type { FastifyRequest } from 'fastify';
import { SECRET, SECRET_KINDS } from '../secrets.ts';

/**
 * How the page keeps who is signed in: a cookie that no script can read and no other site can send, for a session whose
 * hash the depot keeps. It opens the page's own routes, which only look; the token itself stays nowhere in the browser.
 */

/** Hours after which one has to sign in again. */
export const SESSION_HOURS = 12;

/** Over TLS the name itself has browsers refuse it from anywhere but this host, by TLS. */
const nameOn = ({ protocol }: Pick<FastifyRequest, 'protocol'>) => (protocol === 'https' ? '__Host-d3' : 'd3-page');

type Asking = Pick<FastifyRequest, 'protocol' | 'headers' | 'method'>;

/** The secret of the session a browser sent; null when there is none, or another site had it sent. */
export function sessionIn(request: Asking): string | null {
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return null;
  const name = nameOn(request);
  const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim());
  const value = pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1) ?? '';
  return SECRET.test(value) && value.startsWith(SECRET_KINDS.page) ? value : null;
}

/** @param secret null: none any more */
export function sessionCookie(secret: string | null, request: Asking): string {
  const rest = `Path=/; HttpOnly; SameSite=Strict${request.protocol === 'https' ? '; Secure' : ''}`;
  return secret === null ? `${nameOn(request)}=; Max-Age=0; ${rest}` : `${nameOn(request)}=${secret}; ${rest}`;
}
