import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { D3Error } from '@d3/sdk';
import { errnoOf, makeFolder, writeFileDurably } from './files.ts';

/** The roles of signed metadata; each has a key of its own. */
const ROLES = ['root', 'targets', 'snapshot', 'timestamp'] as const;
type Role = (typeof ROLES)[number];

interface SigningKey {
  /** SHA-256 of the public key's canonical form, as TUF names keys. */
  id: string;
  /** The public half, lower-case hex of its 32 bytes. */
  publicHex: string;
  /** Ed25519 signature of the bytes, lower-case hex. */
  sign(bytes: Buffer): string;
}

export type SigningKeys = Record<Role, SigningKey>;

/**
 * Makes new ed25519 keys in `DIR/keys`, one PKCS#8 PEM file for each role, readable by the owner only.
 * @param depot the depot's folder
 */
export async function generateKeys(depot: string): Promise<void> {
  await makeFolder(join(depot, 'keys'), 0o700);
  for (const role of ROLES) {
    const { privateKey } = generateKeyPairSync('ed25519');
    await writeFileDurably(keyFile(depot, role), privateKey.export({ type: 'pkcs8', format: 'pem' }), 0o600);
  }
}

/**
 * Reads a depot's keys.
 * @throws D3Error notFound `KEY_NOT_FOUND`, notAuthorised `KEY_NOT_YOURS`, refused `KEY_EXPOSED` or `KEY_UNREADABLE`
 */
export async function loadKeys(depot: string): Promise<SigningKeys> {
  const keys: Partial<SigningKeys> = {};
  for (const role of ROLES) keys[role] = await loadKey(keyFile(depot, role), role);
  return keys as SigningKeys;
}

function keyFile(depot: string, role: Role): string {
  return join(depot, 'keys', `${role}.pem`);
}

async function loadKey(file: string, role: Role): Promise<SigningKey> {
  const pem = await readPrivately(file, role);
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (error) {
    throw unreadable(file, role, error);
  }
  if (key.asymmetricKeyType !== 'ed25519') throw unreadable(file, role, null);
  const { x } = createPublicKey(key).export({ format: 'jwk' });
  const publicHex = Buffer.from(x as string, 'base64url').toString('hex');
  return {
    publicHex,
    id: createHash('sha256').update(canonicalKey(publicHex)).digest('hex'),
    sign: (bytes) => sign(null, bytes, key).toString('hex'),
  };
}

async function readPrivately(file: string, role: Role): Promise<string> {
  try {
    const handle = await open(file, 'r');
    try {
      const { mode } = await handle.stat();
      if ((mode & 0o077) !== 0) {
        throw new D3Error('KEY_EXPOSED', 'refused', `The ${role} key ${file} can be read or changed by other users.`, {
          target: file,
          actions: [
            `chmod 600 ${file}`,
            'If somebody else may have read it, make a new depot: whoever has the keys can ship packages to every machine.',
          ],
        });
      }
      return await handle.readFile('utf8');
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof D3Error) throw error;
    const options = { target: file, cause: error };
    if (errnoOf(error) === 'ENOENT') {
      throw new D3Error('KEY_NOT_FOUND', 'notFound', `The depot has no ${role} key: ${file} is not there.`, {
        ...options,
        actions: ['Put the keys back from their backup.'],
      });
    }
    throw new D3Error('KEY_NOT_YOURS', 'notAuthorised', `The ${role} key ${file} cannot be read.`, {
      ...options,
      actions: ['Run the command as the user who owns the depot.'],
    });
  }
}

function unreadable(file: string, role: Role, cause: unknown): D3Error {
  return new D3Error('KEY_UNREADABLE', 'refused', `${file} holds no ed25519 key for the role ${role}.`, {
    target: file,
    cause,
    actions: ['Put the keys back from their backup.'],
  });
}

/** Canonical JSON of TUF's key object. */
function canonicalKey(publicHex: string): string {
  return `{"keytype":"ed25519","keyval":{"public":"${publicHex}"},"scheme":"ed25519"}`;
}
