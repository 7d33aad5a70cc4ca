import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { D3Error } from '@d3/sdk';
import type { Metadata, Root } from '@tufjs/models';
import { errnoOf, makeFolder, writeFileDurably } from './files.ts';
import { type Keyring, keysFolder, type PublicKey, SIGNING_ROLES, type SigningRole } from './keys.ts';

/**
 * The root metadata of a depot: which keys count for each role. Machines walk from the root they trust to the newest, so
 * none is ever changed or removed. Copies lie in `keys/roots`: what `public/` loses comes back as it was.
 */

const SPEC = '1.0.31';

/** Which keys may sign for a role, and how many of them have to. */
export interface RoleKeys {
  keys: PublicKey[];
  threshold: number;
}

export type RootContent = Record<SigningRole, RoleKeys>;

export interface SignedRoot {
  version: number;
  /** ISO 8601. */
  expires: string;
  content: RootContent;
  metadata: Metadata<Root>;
  bytes: Buffer;
}

export function metadataFolder(dir: string): string {
  return join(dir, 'public', 'metadata');
}

function rootsFolder(dir: string): string {
  return join(keysFolder(dir), 'roots');
}

const rootFile = (folder: string, version: number) => join(folder, `${version}.root.json`);

/**
 * The versions of a depot's root metadata, ascending, its public ones made whole from the kept copies.
 * @throws D3Error failed `ROOT_BROKEN` for one that is damaged and has no copy
 */
export async function settleRoots(dir: string): Promise<number[]> {
  const [kept, shown] = [rootsFolder(dir), metadataFolder(dir)];
  await makeFolder(kept, 0o700);
  const versions = new Set([...(await versionsIn(kept)), ...(await versionsIn(shown))]);
  for (const version of versions) {
    const copy = await readIfThere(rootFile(kept, version));
    const open = await readIfThere(rootFile(shown, version));
    if (copy !== null && isRoot(copy)) {
      if (open === null || !open.equals(copy)) await writeFileDurably(rootFile(shown, version), copy, 0o644);
    } else if (open !== null) {
      await parseRoot(open, rootFile(shown, version));
      await writeFileDurably(rootFile(kept, version), open, 0o600);
    } else throw broken(rootFile(kept, version), new Error('it is no root metadata'));
  }
  return [...versions].toSorted((a, b) => a - b);
}

/** @throws D3Error failed `ROOT_BROKEN` */
export async function readRoot(dir: string, version: number): Promise<SignedRoot> {
  const file = rootFile(metadataFolder(dir), version);
  return parseRoot(await readFile(file), file);
}

/** The newest root machines can see; null when there is none. */
export async function newestRoot(dir: string): Promise<SignedRoot | null> {
  const version = await newestRootVersion(dir);
  return version === 0 ? null : readRoot(dir, version);
}

/** 0 when there is none. */
export async function newestRootVersion(dir: string): Promise<number> {
  return (await versionsIn(metadataFolder(dir))).at(-1) ?? 0;
}

/** Keeps a root, and shows it to machines. */
export async function writeRoot(dir: string, { version, bytes }: Pick<SignedRoot, 'version' | 'bytes'>): Promise<void> {
  await writeFileDurably(rootFile(rootsFolder(dir), version), bytes, 0o600);
  await writeFileDurably(rootFile(metadataFolder(dir), version), bytes, 0o644);
}

async function versionsIn(folder: string): Promise<number[]> {
  const names = await readdir(folder).catch((error) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  });
  return names
    .flatMap((name) => /^(\d{1,15})\.root\.json$/.exec(name)?.[1] ?? [])
    .map(Number)
    .toSorted((a, b) => a - b);
}

async function readIfThere(file: string): Promise<Buffer | null> {
  return readFile(file).catch((error) => {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  });
}

function isRoot(bytes: Buffer): boolean {
  try {
    return typeof JSON.parse(bytes.toString('utf8')).signed.roles.root === 'object';
  } catch {
    return false;
  }
}

/** @param file for messages */
async function parseRoot(bytes: Buffer, file: string): Promise<SignedRoot> {
  const { Metadata: Parsed, MetadataKind } = await import('@tufjs/models');
  try {
    const metadata = Parsed.fromJSON(MetadataKind.Root, JSON.parse(bytes.toString('utf8')));
    return viewOf(metadata, bytes);
  } catch (error) {
    throw broken(file, error);
  }
}

function viewOf(metadata: Metadata<Root>, bytes: Buffer): SignedRoot {
  const { version, expires, roles, keys } = metadata.signed;
  const content = {} as RootContent;
  for (const role of SIGNING_ROLES) {
    const { keyIDs, threshold } = roles[role] as (typeof roles)[string];
    content[role] = {
      threshold,
      keys: keyIDs.map((id) => ({ id, publicHex: keys[id]?.keyVal['public'] ?? '' })),
    };
  }
  return { version, expires, content, metadata, bytes };
}

/** Machines walk from root to root: one that is broken is not made anew, for it would be another. */
function broken(file: string, cause: unknown): D3Error {
  return new D3Error('ROOT_BROKEN', 'failed', `${file} cannot be read: ${(cause as Error).message}.`, {
    target: file,
    actions: ['put the file back from a backup of the depot'],
    cause,
  });
}

/** A root that is gone with its copy, and that no other can stand for. @param cause why not, where something else says it */
export function lostRoot(dir: string, version: number, cause: unknown): D3Error {
  const file = rootFile(metadataFolder(dir), version);
  return new D3Error(
    'ROOT_LOST',
    'failed',
    `${file} is gone, and no other that the keys at hand make would do in its place.`,
    {
      target: file,
      actions: ['put it back from a backup or a copy of the depot', 'or have the root keys at hand and repeat'],
      cause,
    },
  );
}

/** A root that nobody has signed yet. @param expires ISO 8601 without fractions */
export async function makeRoot(content: RootContent, version: number, expires: string): Promise<Metadata<Root>> {
  const { Metadata: Made, Root: RootOf } = await import('@tufjs/models');
  const keyOf = ({ id, publicHex }: PublicKey) =>
    [id, { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: publicHex } }] as const;
  const roleOf = (role: SigningRole) =>
    [role, { keyids: content[role].keys.map(({ id }) => id), threshold: content[role].threshold }] as const;
  const root = {
    _type: 'root',
    spec_version: SPEC,
    version,
    expires,
    consistent_snapshot: true,
    keys: Object.fromEntries(SIGNING_ROLES.flatMap((role) => content[role].keys).map(keyOf)),
    roles: Object.fromEntries(SIGNING_ROLES.map(roleOf)),
  };
  return new Made(RootOf.fromJSON(root));
}

/** Signs with those of some keys that are at hand. */
export async function signWith(
  metadata: Metadata<never> | Metadata<Root>,
  keys: readonly PublicKey[],
  ring: Keyring,
): Promise<void> {
  const { Signature } = await import('@tufjs/models');
  for (const { id } of keys) {
    const key = ring.get(id);
    if (key !== undefined) metadata.sign((bytes) => new Signature({ keyID: id, sig: key.sign(bytes) }));
  }
}

/** Which of a role's keys have signed, rightly. */
export function signers(
  root: SignedRoot,
  role: SigningRole,
  metadata: Parameters<Metadata<Root>['verifyDelegate']>[1],
): string[] {
  return root.content[role].keys.flatMap(({ id }) => {
    try {
      root.metadata.signed.keys[id]?.verifySignature(metadata);
      return root.metadata.signed.keys[id] === undefined ? [] : [id];
    } catch {
      return [];
    }
  });
}

export function isSigned(root: SignedRoot, role: SigningRole, metadata: Parameters<typeof signers>[2]): boolean {
  return signers(root, role, metadata).length >= root.content[role].threshold;
}

/** Whether enough keys of a role are at hand. */
export function canSign({ content }: Pick<SignedRoot, 'content'>, role: SigningRole, ring: Keyring): boolean {
  const { keys, threshold } = content[role];
  return keys.filter(({ id }) => ring.has(id)).length >= threshold;
}

/** As JSON, for a file. */
export function bytesOf(metadata: { toJSON(): unknown }): Buffer {
  return Buffer.from(JSON.stringify(metadata.toJSON()));
}

/** What was signed, with its signatures. */
export function signedRoot(metadata: Metadata<Root>): SignedRoot {
  return viewOf(metadata, bytesOf(metadata));
}
