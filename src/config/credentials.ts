import { lstatSync } from 'node:fs';
import path from 'node:path';
import { D3Error } from '@d3/sdk';
import type { Keychain } from '../platform/keychain.ts';
import { makeFolder } from '../platform/make-folder.ts';
import { removeFile, replaceFile } from '../platform/replace-file.ts';
import { parseFile, refuseUntrusted } from './load.ts';
import type { Preferences } from './preferences.ts';
import { readSecret } from './secrets.ts';

const SERVICE = 'd3admin.depot';
const SCHEMA = 'd3/credentials@1';

/** Who a depot over the network is administered as. */
export interface Credentials {
  account: string;
  secret: string;
}

/** Where a secret is kept, in words. */
export type Keeping = 'environment' | 'command' | 'keychain' | 'file' | 'unset';

/** What is needed to keep secrets: ports and places, so that tests put their own there. */
export interface CredentialParts {
  keychain(): Promise<Keychain | null>;
  /** Path of the file for where no keychain answers. */
  file: string;
  /** `D3_CREDENTIALS`: `account:secret`, for CI. */
  environment: string | undefined;
}

/**
 * Keeps an account's secret: in the keychain, else in a file nobody else may read. The account that was kept before goes.
 * @returns where it is
 */
export async function keepCredentials(
  { account, secret }: Credentials,
  before: string | null,
  parts: CredentialParts,
): Promise<'keychain' | 'file'> {
  const keychain = await parts.keychain();
  const taken = keychain !== null && (await keychain.set(SERVICE, account, secret));
  if (keychain !== null && before !== null && before !== account) await keychain.remove(SERVICE, before);
  if (!taken) {
    makeFolder(path.dirname(parts.file), 0o700);
    replaceFile(parts.file, `${JSON.stringify({ schema: SCHEMA, account, secret })}\n`, 0o600);
    return 'file';
  }
  removeFile(parts.file);
  return 'keychain';
}

/** Forgets them wherever they are. */
export async function dropCredentials(account: string | null, parts: CredentialParts): Promise<void> {
  const keychain = account === null ? null : await parts.keychain();
  if (keychain !== null && account !== null) await keychain.remove(SERVICE, account);
  removeFile(parts.file);
}

/**
 * The credentials in force: those of the environment, then what a command tells, the keychain's, the file's.
 * @throws D3Error as {@link readSecret}; usage `CREDENTIALS_INVALID`
 */
export async function findCredentials(
  { account, credentials }: Pick<Preferences, 'account' | 'credentials'>,
  parts: CredentialParts,
): Promise<{ found: Credentials | null; keeping: Keeping }> {
  if (parts.environment !== undefined && parts.environment !== '')
    return { found: pair(parts.environment, 'D3_CREDENTIALS'), keeping: 'environment' };
  if (account !== null && credentials !== null)
    return { found: { account, secret: await readSecret('credentials', credentials) }, keeping: 'command' };
  const keychain = account === null ? null : await parts.keychain();
  const secret = account === null ? null : ((await keychain?.get(SERVICE, account)) ?? null);
  if (account !== null && secret !== null) return { found: { account, secret }, keeping: 'keychain' };
  const found = await fromFile(parts.file);
  // A file left from an account that is another's now is no secret of this one.
  return found !== null && found.account === account ? { found, keeping: 'file' } : { found: null, keeping: 'unset' };
}

async function fromFile(file: string): Promise<Credentials | null> {
  if (lstatSync(file, { throwIfNoEntry: false }) === undefined) return null;
  refuseUntrusted(file, path.dirname(file), { secret: true });
  const { schema, account, secret } = (await parseFile(file)) as Record<string, unknown>;
  if (schema === SCHEMA && typeof account === 'string' && typeof secret === 'string') return { account, secret };
  throw new D3Error('CREDENTIALS_INVALID', 'usage', 'The credentials kept there cannot be read.', {
    target: file,
    actions: ['give them again: d3admin config credentials ACCOUNT'],
  });
}

function pair(text: string, target: string): Credentials {
  const at = text.indexOf(':');
  if (at > 0 && at < text.length - 1) return { account: text.slice(0, at), secret: text.slice(at + 1) };
  throw new D3Error('CREDENTIALS_INVALID', 'usage', `${target} must be ACCOUNT:SECRET.`, { target });
}
