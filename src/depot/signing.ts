import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { D3Error } from '@d3/sdk';
import type { Metadata, Targets } from '@tufjs/models';
import type { Catalog } from '../catalog/types.ts';
import type { Clock } from '../platform/clock.ts';
import {
  type RootDraft,
  readRootDraft,
  readTargetsDraft,
  saveRootDraft,
  saveTargetsDraft,
  type Waiting,
  waitingFor,
} from './drafts.ts';
import { keptElsewhere, noteElsewhere } from './elsewhere.ts';
import type { Anchor } from './event-chain.ts';
import {
  keysFolder,
  makeKey,
  type PublicKey,
  publicText,
  readKeyring,
  SIGNING_ROLES,
  type SigningRole,
} from './keys.ts';
import { LONG_DAYS, readTargets, signedAnchors, until } from './publish.ts';
import { makeRoot, newestRoot, type RoleKeys, type SignedRoot, signers } from './roots.ts';
import type { Store } from './store/contract.ts';

/** Which keys count for a depot, and how that is changed: by a new root, signed by the holders of the old one and of the new. */

/** One key, for people. */
interface KeyRow {
  id: string;
  /** As it is handed on: `ed25519:…`. */
  publicKey: string;
  /** Where its private half is; null: not at hand here, and nobody said where. */
  where: string | null;
  /** Whether it is at hand for who asks. */
  atHand: boolean;
}

export interface RoleRow {
  role: SigningRole;
  threshold: number;
  keys: KeyRow[];
  /** When what it signed expires, ISO 8601; null: nothing is signed. */
  expires: string | null;
}

export interface KeysView {
  /** Version of the root in force. */
  root: number;
  roles: RoleRow[];
  waiting: Waiting[];
}

/** What is to become of a role's keys. */
export interface Rotation {
  role: SigningRole;
  /** Public halves of keys that count from then on. */
  add: readonly PublicKey[];
  /** Ids, or their beginnings, of keys that do no more; with none of both, a new key takes the place of all. */
  remove: readonly string[];
  /** How many have to sign; as before where it is null. */
  threshold: number | null;
  /** Where a new key is made; null: on the depot's host. */
  folder: string | null;
}

export interface Rotated {
  role: SigningRole;
  /** Version of the root to come. */
  root: number;
  before: string[];
  after: string[];
  threshold: number;
  /** File of the key that was made; null: none was. */
  made: string | null;
}

async function keysOf(dir: string, store: Store, own: readonly string[]): Promise<KeysView> {
  const root = await requireRoot(dir);
  const ring = await readKeyring([keysFolder(dir), ...own]);
  const elsewhere = await keptElsewhere(dir);
  const last = await store.publication.last();
  const roles = SIGNING_ROLES.map((role) => {
    const { keys, threshold } = root.content[role];
    return {
      role,
      threshold,
      expires: last?.expiries?.[role] ?? null,
      keys: keys.map((key) => {
        const held = ring.get(key.id);
        return {
          id: key.id,
          publicKey: publicText(key),
          where: held?.file ?? elsewhere.get(key.id) ?? null,
          atHand: held !== undefined,
        };
      }),
    };
  });
  return { root: root.version, roles, waiting: await waitingFor(dir, root) };
}

/**
 * Writes down a new root as a draft; the next publication lets the keys at hand sign it, and brings it into force when that
 * is enough. A draft that waits already is gone on from: all of it is signed together. Nobody else may draft or publish
 * meanwhile.
 * @throws D3Error usage for keys that cannot be, notFound `KEY_UNKNOWN`
 */
async function draftRotation(dir: string, rotation: Rotation, clock: Clock): Promise<Rotated> {
  const { role, folder } = rotation;
  if (folder !== null && (role === 'snapshot' || role === 'timestamp')) {
    throw new D3Error('KEY_OF_HOST', 'usage', `The ${role} key is the depot's own host's: it signs without people.`, {
      target: role,
      actions: ['leave --to out'],
    });
  }
  const current = await requireRoot(dir);
  const waiting = await waitingDraft(dir, current);
  const content = (waiting?.root ?? current).content;
  const before = content[role];
  const kept = keptKeys(before.keys, rotation);
  const isPlain = rotation.add.length === 0 && rotation.remove.length === 0 && rotation.threshold === null;
  const wantsKey = isPlain || (folder !== null && rotation.add.length === 0);
  const noted = await keptElsewhere(dir);
  if (wantsKey && folder === null && before.keys.some(({ id }) => noted.has(id))) {
    throw new D3Error('KEY_PLACE', 'usage', `The ${role} keys are not kept on the depot's host.`, {
      target: role,
      actions: [
        'say where the new one is to be made: --to DIR',
        `or, to have it on the host again: --to ${keysFolder(dir)}`,
      ],
    });
  }
  const made = wantsKey ? await makeKey(folder ?? keysFolder(dir), role) : null;
  const added = made === null ? rotation.add : [{ id: made.id, publicHex: made.publicHex }];
  const keys = [...kept, ...added.filter(({ id }) => !kept.some((known) => known.id === id))];
  const threshold = rotation.threshold ?? Math.min(before.threshold, Math.max(keys.length, 1));
  if (keys.length === 0 || threshold > keys.length || threshold < 1) {
    throw new D3Error(
      'THRESHOLD',
      'usage',
      `${threshold} signatures cannot be had of ${keys.length} keys of the role ${role}.`,
      { target: role, actions: ['add keys with --add, or give a smaller --threshold'] },
    );
  }
  const used = SIGNING_ROLES.find(
    (other) => other !== role && content[other].keys.some(({ id }) => keys.some((key) => key.id === id)),
  );
  if (used !== undefined) {
    throw new D3Error('KEY_USED', 'usage', `One of the keys is the role ${used}'s already: every role has its own.`, {
      target: role,
      actions: ['make another: d3 depot keys init'],
    });
  }
  const isOnHost = made !== null && dirname(made.file) === keysFolder(dir);
  const elsewhere = new Map(rotation.add.map(({ id }) => [id, 'its holder']));
  if (made !== null && !isOnHost) elsewhere.set(made.id, made.file);
  await noteElsewhere(dir, elsewhere);
  const version = current.version + 1;
  const metadata = await makeRoot({ ...content, [role]: { keys, threshold } }, version, until(clock.now(), LONG_DAYS));
  await saveRootDraft(dir, metadata);
  return {
    role,
    root: version,
    before: before.keys.map(({ id }) => id),
    after: keys.map(({ id }) => id),
    threshold,
    made: made?.file ?? null,
  };
}

async function waitingDraft(dir: string, current: SignedRoot): Promise<RootDraft | null> {
  const draft = await readRootDraft(dir);
  return draft !== null && draft.root.version > current.version ? draft : null;
}

function keptKeys(keys: readonly PublicKey[], { add, remove, threshold }: Rotation): PublicKey[] {
  if (remove.length === 0) return add.length > 0 || threshold !== null ? [...keys] : [];
  const gone = remove.map((word) => {
    const found = keys.filter(({ id }) => id.startsWith(word.toLowerCase()));
    if (found.length === 1) return (found[0] as PublicKey).id;
    throw new D3Error(
      'KEY_UNKNOWN',
      'notFound',
      found.length === 0 ? `No key of that role begins with ${word}.` : `${found.length} keys begin with ${word}.`,
      { target: word, actions: ['see which there are: d3 depot keys list'] },
    );
  });
  return keys.filter(({ id }) => !gone.includes(id));
}

async function requireRoot(dir: string): Promise<SignedRoot> {
  const root = await newestRoot(dir);
  if (root !== null) return root;
  throw new D3Error('ROOT_MISSING', 'failed', `The depot ${dir} publishes no root metadata.`, {
    target: dir,
    actions: ['publish it: d3 depot publish'],
  });
}

/** Bytes of the newest root, for whoever wants to trust the depot before the first contact. */
async function exportedRoot(dir: string): Promise<{ version: number; bytes: Buffer }> {
  const { version, bytes } = await requireRoot(dir);
  return { version, bytes };
}

/** The catalog in force, and the one that waits for signatures; null where there is none. */
async function draftedCatalog(dir: string, store: Store): Promise<{ before: Catalog | null; after: Catalog } | null> {
  const draft = await readTargetsDraft(dir);
  if (draft === null) return null;
  const last = await store.publication.last();
  const shown = await readTargets(dir, last?.versions.targets);
  const hash = shown?.signed.targets['catalog.json']?.hashes['sha256'];
  const text =
    hash === undefined
      ? null
      : await readFile(join(dir, 'public', 'targets', `${hash}.catalog.json`), 'utf8').catch(() => null);
  return {
    before: text === null ? null : JSON.parse(text),
    after: JSON.parse(draft.catalog.toString('utf8')),
  };
}

/** What a draft of the root would change, role by role. */
async function draftedRoles(dir: string): Promise<{ role: SigningRole; before: RoleKeys; after: RoleKeys }[]> {
  const current = await requireRoot(dir);
  const draft = await waitingDraft(dir, current);
  if (draft === null) return [];
  return changedRoles(current, draft.root);
}

/** Roles whose keys differ between two roots. */
export function changedRoles(before: SignedRoot, after: SignedRoot): Awaited<ReturnType<Signing['draftedRoles']>> {
  return SIGNING_ROLES.map((role) => ({ role, before: before.content[role], after: after.content[role] })).filter(
    (role) => JSON.stringify(role.before) !== JSON.stringify(role.after),
  );
}

/** Metadata that waits, for who signs it on a machine of their own. */
export interface DraftToSign {
  role: Waiting['role'];
  /** As it is signed, with the signatures it has. */
  metadata: Record<string, unknown>;
  /** The catalog that targets name; null for a root. */
  catalog: Buffer | null;
}

/** A signature that was made elsewhere. */
export interface GivenSignature {
  keyid: string;
  sig: string;
}

/** What waits, as a holder gets it. */
async function draftsToSign(dir: string): Promise<DraftToSign[]> {
  const current = await requireRoot(dir);
  const root = await waitingDraft(dir, current);
  const targets = await readTargetsDraft(dir);
  const json = (metadata: { toJSON(): unknown }) => metadata.toJSON() as Record<string, unknown>;
  return [
    ...(root === null ? [] : [{ role: 'root' as const, metadata: json(root.metadata), catalog: null }]),
    ...(targets === null
      ? []
      : [{ role: 'targets' as const, metadata: json(targets.metadata), catalog: targets.catalog }]),
  ];
}

/**
 * Signs a draft on a holder's own machine, with whichever of their keys there are. What counts is decided where it is taken in.
 * @throws D3Error verificationFailed `DRAFT_WRONG` when the catalog is not the one that the metadata names
 */
export async function signDraft(
  { role, metadata, catalog }: DraftToSign,
  folders: readonly string[],
): Promise<GivenSignature[]> {
  const { Metadata: Parsed, MetadataKind, Signature } = await import('@tufjs/models');
  const parsed =
    role === 'root'
      ? Parsed.fromJSON(MetadataKind.Root, metadata as never)
      : Parsed.fromJSON(MetadataKind.Targets, metadata as never);
  if (role === 'targets') {
    const named = Object.entries((parsed as Metadata<Targets>).signed.targets);
    const isIt =
      catalog !== null &&
      named.length === 1 &&
      named[0]?.[1].hashes['sha256'] === createHash('sha256').update(catalog).digest('hex');
    if (!isIt) {
      throw new D3Error(
        'DRAFT_WRONG',
        'verificationFailed',
        'What is to be signed names another catalog than was shown.',
        {
          target: 'targets',
          actions: ['sign nothing, and find out who runs the depot now'],
        },
      );
    }
  }
  const before = new Set(Object.keys(parsed.signatures));
  for (const [id, key] of await readKeyring(folders))
    parsed.sign((bytes) => new Signature({ keyID: id, sig: key.sign(bytes) }));
  return Object.values(parsed.signatures).flatMap(({ keyID, sig }) =>
    before.has(keyID) ? [] : [{ keyid: keyID, sig }],
  );
}

/** Puts signatures to a draft, those that are right and count. @returns how many were put */
async function takeSignatures(dir: string, role: Waiting['role'], given: readonly GivenSignature[]): Promise<string[]> {
  const current = await requireRoot(dir);
  const root = await waitingDraft(dir, current);
  const targets = role === 'targets' ? await readTargetsDraft(dir) : null;
  const metadata = role === 'root' ? root?.metadata : targets?.metadata;
  if (metadata === undefined) return [];
  const { Signature } = await import('@tufjs/models');
  const rules = role === 'root' && root !== null ? [current, root.root] : [root?.root ?? current];
  const signed = () => new Set(rules.flatMap((rule) => signers(rule, role, metadata)));
  const before = signed();
  for (const { keyid, sig } of given)
    if (!before.has(keyid)) metadata.signatures[keyid] = new Signature({ keyID: keyid, sig });
  const after = signed();
  for (const { keyid } of given) if (!after.has(keyid)) delete metadata.signatures[keyid];
  const taken = [...after].filter((keyid) => !before.has(keyid));
  if (taken.length === 0) return taken;
  if (root !== null && role === 'root') await saveRootDraft(dir, root.metadata);
  if (targets !== null) await saveTargetsDraft(dir, targets);
  return taken;
}

/** Does something to files beside the publication while nobody publishes. */
export async function unpublished<Result>(
  { publication }: Pick<Store, 'publication'>,
  work: () => Promise<Result>,
): Promise<Result> {
  let done: { result: Result } | null = null;
  await publication.exclusively(async () => {
    done = { result: await work() };
    return null;
  });
  return (done as unknown as { result: Result }).result;
}

/** What of the signing of a depot there is for who administers it, in its folder or over the network. */
export type HolderSigning = Pick<Signing, 'keys' | 'waiting' | 'waitsForMine' | 'draftedRoles' | 'draftedCatalog'>;

/** Keys and signatures of a depot. */
export interface Signing {
  /** What waits, for holders who sign it on machines of their own: {@link signDraft}. */
  drafts(): Promise<DraftToSign[]>;
  /**
   * Takes signatures that were made elsewhere; publishing brings into force what has all it needs.
   * @returns the keys of those that were right, counted, and were not there yet
   */
  take(role: Waiting['role'], given: readonly GivenSignature[]): Promise<string[]>;
  keys(): Promise<KeysView>;
  /**
   * Writes down a new root as a draft; publishing brings it into force once all have signed that must.
   * @throws D3Error usage for keys that cannot be, notFound `KEY_UNKNOWN`
   */
  rotate(rotation: Rotation, by: string): Promise<Rotated>;
  /** What waits for signatures. */
  waiting(): Promise<Waiting[]>;
  /** Whether who does this holds a key that a draft of the catalog waits for. */
  waitsForMine(): Promise<boolean>;
  /** What a draft of the root would change; empty: there is none. */
  draftedRoles(): Promise<{ role: SigningRole; before: RoleKeys; after: RoleKeys }[]>;
  /** The catalog in force (null: none) and the one that waits; null: none does. */
  draftedCatalog(): Promise<{ before: Catalog | null; after: Catalog } | null>;
  /** The newest root, for whoever is to trust the depot before the first contact. */
  exportRoot(): Promise<{ version: number; bytes: Buffer }>;
  /** The newest events of the history that signed metadata remembers. */
  anchors(): Promise<Anchor[]>;
}

/**
 * @param dir the depot's folder
 * @param own folders with keys of the person who does this
 */
export function signingOf(dir: string, store: Store, own: readonly string[], clock: Clock): Signing {
  const waiting = async () => {
    const root = await newestRoot(dir);
    return root === null ? [] : waitingFor(dir, root);
  };
  return {
    drafts: () => draftsToSign(dir),
    take: (role, given) => unpublished(store, () => takeSignatures(dir, role, given)),
    keys: () => keysOf(dir, store, own),
    async rotate(rotation, by) {
      const rotated = await unpublished(store, () => draftRotation(dir, rotation, clock));
      const { role, before, after, threshold } = rotated;
      await store.history.add({
        by,
        what: 'keys.rotated',
        target: { kind: 'keys', id: 0, name: role },
        before: { keys: before },
        after: { keys: after, threshold, root: rotated.root },
      });
      return rotated;
    },
    waiting,
    async waitsForMine() {
      const open = (await waiting()).flatMap((draft) => (draft.role === 'targets' ? draft.open : []));
      if (open.length === 0) return false;
      const ring = await readKeyring(own);
      return open.some((id) => ring.has(id));
    },
    draftedRoles: () => draftedRoles(dir),
    draftedCatalog: () => draftedCatalog(dir, store),
    exportRoot: () => exportedRoot(dir),
    anchors: () => signedAnchors(dir),
  };
}
