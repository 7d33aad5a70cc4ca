import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Json } from '@d3/sdk';
import type { Metadata, Root, Targets } from '@tufjs/models';
import { refuseNewerSchema } from '../json-schema.ts';
import { errnoOf, makeFolder, writeFileDurably } from './files.ts';
import { keysFolder, type SigningRole } from './keys.ts';
import { type SignedRoot, signedRoot, signers } from './roots.ts';

/**
 * What waits for signatures: metadata of a role whose keys several holders have, or that are kept elsewhere. It is in
 * force, and machines see it, once enough have signed.
 */

type DraftRole = Extract<SigningRole, 'root' | 'targets'>;

export interface DraftFile {
  schema: 'd3/draft@1';
  role: DraftRole;
  /** Generation of the store that targets show; of no meaning for a root. */
  generation: number;
  /** As TUF has it. */
  metadata: { readonly [property: string]: Json };
}

export interface RootDraft {
  root: SignedRoot;
  metadata: Metadata<Root>;
}

export interface TargetsDraft {
  generation: number;
  metadata: Metadata<Targets>;
  /** Bytes of the catalog it signs. */
  catalog: Buffer;
}

/** What waits, for people. */
export interface Waiting {
  role: DraftRole;
  version: number;
  /** Ids of keys that have signed. */
  signed: string[];
  /** Ids of keys whose signatures would count. */
  open: string[];
  /** How many signatures are missing. */
  missing: number;
}

const VERSION = 1;

function draftsFolder(dir: string): string {
  return join(keysFolder(dir), 'drafts');
}

const fileOf = (dir: string, role: DraftRole) => join(draftsFolder(dir), `${role}.json`);
const catalogFile = (dir: string) => join(draftsFolder(dir), 'catalog.json');

async function read(dir: string, role: DraftRole): Promise<DraftFile | null> {
  const file = fileOf(dir, role);
  try {
    const draft = JSON.parse(await readFile(file, 'utf8')) as DraftFile;
    refuseNewerSchema(draft.schema, 'draft', VERSION, file);
    return draft;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    // Not whole: nothing is lost but signatures, which can be given again.
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

export async function readRootDraft(dir: string): Promise<RootDraft | null> {
  const draft = await read(dir, 'root');
  if (draft === null) return null;
  const { Metadata: Parsed, MetadataKind } = await import('@tufjs/models');
  const metadata = Parsed.fromJSON(MetadataKind.Root, draft.metadata as never);
  return { root: signedRoot(metadata), metadata };
}

export async function readTargetsDraft(dir: string): Promise<TargetsDraft | null> {
  const draft = await read(dir, 'targets');
  if (draft === null) return null;
  const { Metadata: Parsed, MetadataKind } = await import('@tufjs/models');
  const metadata = Parsed.fromJSON(MetadataKind.Targets, draft.metadata as never);
  const catalog = await readFile(catalogFile(dir)).catch(() => null);
  return catalog === null ? null : { generation: draft.generation, metadata, catalog };
}

export async function saveRootDraft(dir: string, metadata: Metadata<Root>): Promise<void> {
  await save(dir, 'root', metadata, 0);
}

export async function saveTargetsDraft(dir: string, { generation, metadata, catalog }: TargetsDraft): Promise<void> {
  await makeFolder(draftsFolder(dir), 0o700);
  await writeFileDurably(catalogFile(dir), catalog, 0o600);
  await save(dir, 'targets', metadata, generation);
}

async function save(dir: string, role: DraftRole, metadata: { toJSON(): unknown }, generation: number): Promise<void> {
  await makeFolder(draftsFolder(dir), 0o700);
  const draft: DraftFile = {
    schema: 'd3/draft@1',
    role,
    generation,
    metadata: metadata.toJSON() as DraftFile['metadata'],
  };
  await writeFileDurably(fileOf(dir, role), `${JSON.stringify(draft)}\n`, 0o600);
}

export async function dropDraft(dir: string, role: DraftRole): Promise<void> {
  await rm(fileOf(dir, role), { force: true });
  if (role === 'targets') await rm(catalogFile(dir), { force: true });
}

/** What waits for signatures. @param current the root in force */
export async function waitingFor(dir: string, current: SignedRoot): Promise<Waiting[]> {
  const waiting: Waiting[] = [];
  const draft = await readRootDraft(dir);
  const isNext = draft !== null && draft.root.version > current.version;
  if (isNext) {
    const rules = [current, draft.root].map(({ content }) => content.root);
    const signed = new Set([current, draft.root].flatMap((root) => signers(root, 'root', draft.metadata)));
    const ids = new Set(rules.flatMap(({ keys }) => keys.map(({ id }) => id)));
    const missing = rules.map(({ keys, threshold }) => threshold - keys.filter(({ id }) => signed.has(id)).length);
    waiting.push({
      role: 'root',
      version: draft.root.version,
      signed: [...signed],
      open: [...ids].filter((id) => !signed.has(id)),
      missing: Math.max(0, ...missing),
    });
  }
  const targets = await readTargetsDraft(dir);
  if (targets !== null) {
    const { keys, threshold } = (isNext ? draft.root : current).content.targets;
    const signed = signers(isNext ? draft.root : current, 'targets', targets.metadata);
    waiting.push({
      role: 'targets',
      version: targets.metadata.signed.version,
      signed,
      open: keys.map(({ id }) => id).filter((id) => !signed.includes(id)),
      missing: Math.max(0, threshold - signed.length),
    });
  }
  return waiting;
}
