import { readFile, stat } from 'node:fs/promises';
import { D3Error } from '@d3/sdk';
import type { CallName } from './connector/calls.ts';
import type { Connection, Credentials } from './connector/connection.ts';

/** A type, so that it is JSON. */
export type Check = { check: string; ok: boolean; says: string };

const ONE: ReadonlyArray<readonly [string, string]> = [['page-size', '1']];
const READS: ReadonlyArray<readonly [string, CallName]> = [
  ['packages', 'packages'],
  ['computers', 'computers'],
];
/** Bits of a mode that let others than the owner in. */
const OTHERS = 0o077;

/** What a site should check first on its own server. It only reads. */
export async function examine(connection: Connection): Promise<{ checks: Check[]; errors: D3Error[] }> {
  const checks: Check[] = [];
  const errors: D3Error[] = [];
  for (const [check, call] of READS) {
    try {
      const answer = (await connection.call(call, { query: ONE })) as { totalCount?: number } | null;
      checks.push({ check, ok: true, says: `${answer?.totalCount ?? 0} there` });
    } catch (error) {
      if (!(error instanceof D3Error)) throw error;
      checks.push({ check, ok: false, says: error.message });
      errors.push(error);
      // Nothing else is answered either; asking again would only lock an account.
      if (error.code === 'JAMF_NOT_AUTHORISED' || error.code === 'JAMF_UNREACHABLE') break;
    }
  }
  return { checks, errors };
}

/** The address of a server, to which a secret may be sent. */
export function serverAddress(text: string): string {
  const url = URL.parse(text);
  const loopback = ['127.0.0.1', '[::1]', 'localhost'].includes(url?.hostname ?? '');
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && loopback)) {
    if (url.username === '' && url.password === '') return url.origin;
  }
  throw new D3Error('JAMF_BAD_SERVER', 'usage', `"${text}" is no address of a Jamf Pro to which a secret may be sent`, {
    target: '--server',
    actions: ['Give --server as https://HOST, without a user or a password.'],
  });
}

/** The secret of an API client, from a file only its owner reads: arguments and the environment are seen by others. */
export async function clientOf(clientId: string, file: string): Promise<Credentials> {
  const refused = (why: string, next: string, cause?: unknown): D3Error =>
    new D3Error('JAMF_BAD_SECRET_FILE', 'usage', `${file} cannot be the secret: ${why}`, {
      target: file,
      actions: [next],
      cause,
    });
  let text: string;
  let mode: number;
  try {
    mode = (await stat(file)).mode;
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw refused(
      cause instanceof Error ? cause.message : String(cause),
      'Name a file that is there with --secret-file.',
      cause,
    );
  }
  if ((mode & OTHERS) !== 0) throw refused('others may read it', `Run chmod 600 ${file}.`);
  const clientSecret = text.trim();
  if (clientSecret === '') throw refused('it is empty', 'Write the secret of the API client into it.');
  return { clientId, clientSecret };
}
