import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { open, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { D3Error } from '@d3/sdk';
import { errnoOf, makeFolder, writeFileDurably } from './files.ts';

/** The roles of signed metadata; each has keys of its own. */
export const SIGNING_ROLES = ['root', 'targets', 'snapshot', 'timestamp'] as const;
export type SigningRole = (typeof SIGNING_ROLES)[number];

export interface PublicKey {
  /** SHA-256 of the public key's canonical form, as TUF names keys. */
  id: string;
  /** The public half, lower-case hex of its 32 bytes. */
  publicHex: string;
}

export interface SigningKey extends PublicKey {
  /** Ed25519 signature of the bytes, lower-case hex. */
  sign(bytes: Buffer): string;
}

/** A private key that is at hand. */
export interface HeldKey extends SigningKey {
  file: string;
}

/** Private keys at hand, by their ids. */
export type Keyring = ReadonlyMap<string, HeldKey>;

export type SigningKeys = Record<SigningRole, SigningKey>;

/** Where the keys of a depot's own host are. @param depot the depot's folder */
export function keysFolder(depot: string): string {
  return join(depot, 'keys');
}

/**
 * Makes new ed25519 keys in `DIR/keys`, one PKCS#8 PEM file for each role, readable by the owner only.
 * @param depot the depot's folder
 */
export async function generateKeys(depot: string): Promise<void> {
  await makeFolder(keysFolder(depot), 0o700);
  for (const role of SIGNING_ROLES) await writeKey(join(keysFolder(depot), `${role}.pem`));
}

/**
 * Makes a key in a folder, in a file named by what it is for and by its id.
 * @param folder made for its owner alone when it is not there
 */
export async function makeKey(folder: string, role: SigningRole): Promise<HeldKey> {
  await makeFolder(folder, 0o700);
  const { privateKey } = generateKeyPairSync('ed25519');
  const key = keyOf(privateKey);
  const file = join(folder, `${role}-${key.id.slice(0, 8)}.pem`);
  await writeFileDurably(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), 0o600);
  return { ...key, file };
}

async function writeKey(file: string): Promise<void> {
  const { privateKey } = generateKeyPairSync('ed25519');
  await writeFileDurably(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), 0o600);
}

/**
 * Reads every key of some folders; one that is not there has none.
 * @throws D3Error notAuthorised `KEY_NOT_YOURS`, refused `KEY_EXPOSED` or `KEY_UNREADABLE`
 */
export async function readKeyring(folders: readonly string[]): Promise<Keyring> {
  const ring = new Map<string, HeldKey>();
  for (const folder of folders) {
    for (const name of await namesOfKeys(folder)) {
      const key = await readKey(join(folder, name));
      if (!ring.has(key.id)) ring.set(key.id, key);
    }
  }
  return ring;
}

async function namesOfKeys(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => name.endsWith('.pem') && !name.startsWith('.')).toSorted();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return [];
    throw notYours(folder, error);
  }
}

/** @throws D3Error as {@link readKeyring}, and notFound `KEY_NOT_FOUND` */
export async function readKey(file: string): Promise<HeldKey> {
  const pem = await readPrivately(file);
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (error) {
    throw unreadable(file, error);
  }
  if (key.asymmetricKeyType !== 'ed25519') throw unreadable(file, null);
  return { ...keyOf(key), file };
}

function keyOf(key: KeyObject): SigningKey {
  const { x } = createPublicKey(key).export({ format: 'jwk' });
  const publicHex = Buffer.from(x as string, 'base64url').toString('hex');
  return { ...publicKey(publicHex), sign: (bytes) => sign(null, bytes, key).toString('hex') };
}

const PUBLIC = /^(?:ed25519:)?([0-9a-f]{64})$/;

/** @param publicHex lower-case hex of 32 bytes */
function publicKey(publicHex: string): PublicKey {
  return { publicHex, id: createHash('sha256').update(canonicalKey(publicHex)).digest('hex') };
}

/** How the public half of a key is handed from one person to another. */
export function publicText({ publicHex }: PublicKey): string {
  return `ed25519:${publicHex}`;
}

/** @throws D3Error usage `KEY_TEXT` for what is no public half of a key */
export function publicKeyOf(text: string): PublicKey {
  const hex = PUBLIC.exec(text.trim().toLowerCase())?.[1];
  if (hex !== undefined) return publicKey(hex);
  throw new D3Error('KEY_TEXT', 'usage', `${JSON.stringify(text)} is no public half of a key.`, {
    target: text,
    actions: ['give what "d3 depot keys init" printed: ed25519: and 64 hexadecimal digits'],
  });
}

async function readPrivately(file: string): Promise<string> {
  try {
    const handle = await open(file, 'r');
    try {
      const { mode } = await handle.stat();
      if ((mode & 0o077) !== 0) {
        throw new D3Error('KEY_EXPOSED', 'refused', `The key ${file} can be read or changed by other users.`, {
          target: file,
          actions: [
            `chmod 600 ${file}`,
            `if somebody else may have read it, put another in its place: d3 depot keys rotate ${basename(file).replace(/[-.].*/s, '')}`,
          ],
        });
      }
      return await handle.readFile('utf8');
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof D3Error) throw error;
    if (errnoOf(error) === 'ENOENT') throw keyNotFound(file, error);
    throw notYours(file, error);
  }
}

/** `notFound` (34): a key that should be at hand is not. */
export function keyNotFound(file: string, cause?: unknown): D3Error {
  return new D3Error('KEY_NOT_FOUND', 'notFound', `The key ${file} is not there.`, {
    target: file,
    actions: ['put the keys back from their backup'],
    cause,
  });
}

function notYours(file: string, cause: unknown): D3Error {
  return new D3Error('KEY_NOT_YOURS', 'notAuthorised', `The key ${file} cannot be read.`, {
    target: file,
    actions: ['run the command as the user who owns the depot'],
    cause,
  });
}

function unreadable(file: string, cause: unknown): D3Error {
  return new D3Error('KEY_UNREADABLE', 'refused', `${file} holds no ed25519 key.`, {
    target: file,
    cause,
    actions: ['put the keys back from their backup'],
  });
}

/** Canonical JSON of TUF's key object. */
function canonicalKey(publicHex: string): string {
  return `{"keytype":"ed25519","keyval":{"public":"${publicHex}"},"scheme":"ed25519"}`;
}
