import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { userInfo } from 'node:os';
import { isAbsolute } from 'node:path';
import { D3Error } from '@d3/sdk';

/** Where a depot's store is on a PostgreSQL server, and how it is reached. */
export interface PostgresPlace {
  /** Name or address of a host, or the absolute path of the folder of a socket. */
  host: string;
  port: number;
  user: string;
  database: string;
  schema: string;
  /** Null: the connection is not encrypted. `ca`: file of the certificates that are trusted instead of the system's. */
  tls: { ca: string | null } | null;
  /** Null: there is none, or `pg` finds it in the user's own .pgpass. */
  password: string | null;
}

const PORT = 5432;
const SCHEMA = /^[a-z_][a-z0-9_]{0,40}$/;
const PARAMETERS = ['host', 'schema', 'sslmode', 'sslrootcert'];
const WAYS = [
  'write it as postgres://USER@HOST:PORT/DATABASE',
  `what may follow: ?schema=NAME, sslmode=disable or verify-full, sslrootcert=FILE, host=FOLDER of a socket`,
];

/** Whether a text is meant as the address of a PostgreSQL database. */
export function isPostgresUrl(text: string): boolean {
  return /^postgres(?:ql)?:/i.test(text);
}

/**
 * Reads the address of a database. The connection to another host is encrypted, and its certificate checked, unless
 * `sslmode=disable` says that it is not to be.
 * @param password null: the one in the address, if there is one
 * @throws D3Error usage `DATABASE_URL`; it never repeats the address, which may hold a password
 */
export function postgresPlace(text: string, password: string | null = null): PostgresPlace {
  const url = isPostgresUrl(text) ? URL.parse(text) : null;
  if (url === null) throw badUrl('it is no postgres:// address');
  const unknown = [...url.searchParams.keys()].filter((name) => !PARAMETERS.includes(name));
  if (unknown.length > 0) throw badUrl(`${unknown.join(', ')} is not known there`);
  const host = url.searchParams.get('host') ?? decoded(url.hostname).replace(/^\[(.*)\]$/, '$1');
  if (host === '') throw badUrl('it names no host');
  const database = decoded(url.pathname.slice(1));
  if (database === '' || database.includes('/')) throw badUrl('it names no database');
  const schema = url.searchParams.get('schema') ?? 'public';
  if (!SCHEMA.test(schema)) throw badUrl('its schema is not a word of a-z, 0-9 and _');
  return {
    host,
    port: url.port === '' ? PORT : Number(url.port),
    user: decoded(url.username) || userInfo().username,
    database,
    schema,
    tls: tlsOf(url.searchParams, host),
    password: password ?? (decoded(url.password) || null),
  };
}

/** The address without the password; also what messages name. */
export function placeText({ host, port, user, database, schema, tls }: PostgresPlace): string {
  const isSocket = isAbsolute(host);
  const url = new URL(`postgres://${isSocket ? 'localhost' : host.includes(':') ? `[${host}]` : host}/`);
  url.username = user;
  url.pathname = `/${encodeURIComponent(database)}`;
  if (port !== PORT) url.port = String(port);
  if (isSocket) url.searchParams.set('host', host);
  if (schema !== 'public') url.searchParams.set('schema', schema);
  if ((tls === null) !== isNear(host)) url.searchParams.set('sslmode', tls === null ? 'disable' : 'verify-full');
  if (tls !== null && tls.ca !== null) url.searchParams.set('sslrootcert', tls.ca);
  return url.href;
}

/** What `pg` is to make of it. @throws D3Error failed `CERTIFICATES_UNREADABLE` */
export function tlsOptions({ tls, host }: PostgresPlace) {
  if (tls === null) return false;
  // The name is sent along where it is one; an address is compared with the certificate without that.
  const checked = { rejectUnauthorized: true, ...(isIP(host) === 0 ? { servername: host } : {}) };
  if (tls.ca === null) return checked;
  try {
    return { ...checked, ca: readFileSync(tls.ca, 'utf8') };
  } catch (error) {
    const reason = (error as Error).message;
    throw new D3Error(
      'CERTIFICATES_UNREADABLE',
      'failed',
      `The certificates of the database cannot be read: ${reason}.`,
      {
        target: tls.ca,
        cause: error,
      },
    );
  }
}

function tlsOf(parameters: URLSearchParams, host: string): PostgresPlace['tls'] {
  const mode = parameters.get('sslmode') ?? (isNear(host) ? 'disable' : 'verify-full');
  const ca = parameters.get('sslrootcert');
  if (ca !== null && !isAbsolute(ca)) throw badUrl('its sslrootcert is no absolute path');
  if (mode === 'disable') return null;
  if (mode === 'verify-full') return { ca };
  throw badUrl('its sslmode is neither disable nor verify-full');
}

/** On this very host nobody listens between. */
function isNear(host: string): boolean {
  return isAbsolute(host) || ['localhost', '127.0.0.1', '::1'].includes(host);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw badUrl('a % in it is not followed by two hexadecimal digits');
  }
}

function badUrl(why: string): D3Error {
  return new D3Error('DATABASE_URL', 'usage', `The address of the database cannot be used: ${why}.`, {
    target: 'database',
    actions: WAYS,
  });
}
