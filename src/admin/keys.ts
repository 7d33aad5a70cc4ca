import path from 'node:path';
import { D3Error } from '@d3/sdk';
import { type CatalogChange, catalogChanges } from '../catalog/catalog-changes.ts';
import {
  type KeysView,
  makeKey,
  publicKeyOf,
  publicText,
  type Rotated,
  type SigningRole,
  type Waiting,
} from '../depot/index.ts';
import { type AdminSession, localDepot } from './session.ts';

/** A key somebody made for themselves. */
export interface MadeKey {
  role: SigningRole;
  id: string;
  file: string;
  /** What goes to whoever signs the next root. */
  publicKey: string;
}

/** Makes a key that is one person's own; no depot is needed. @param folder absolute */
export async function makeOwnKey(role: SigningRole, folder: string): Promise<MadeKey> {
  const key = await makeKey(folder, role);
  return { role, id: key.id, file: key.file, publicKey: publicText(key) };
}

export function listKeys(session: AdminSession): Promise<KeysView> {
  return session.depot.signing.keys();
}

/** As it is typed. */
export interface RotationRequest {
  role: SigningRole;
  add: readonly string[];
  remove: readonly string[];
  threshold: number | null;
  /** Null: on the depot's host. */
  folder: string | null;
}

export interface RotationResult extends Rotated {
  /** Whether the new keys count already. */
  inForce: boolean;
  waiting: Waiting[];
}

/** Gives a role other keys, and signs that as far as the keys at hand go. */
export async function rotateKeys(request: RotationRequest, session: AdminSession): Promise<RotationResult> {
  const { role, threshold, remove, folder } = request;
  const { admin } = session;
  const add = request.add.map((text) => publicKeyOf(text));
  const to = folder === null ? null : path.resolve(folder);
  const rotated = await localDepot(session).signing.rotate({ role, add, remove, threshold, folder: to }, admin);
  await session.depot.publish({ mine: true });
  const { root } = await localDepot(session).signing.keys();
  return { ...rotated, inForce: root >= rotated.root, waiting: await localDepot(session).signing.waiting() };
}

/** What is to be signed. */
export interface ToSign {
  waiting: Waiting[];
  /** In sentences. */
  roles: string[];
  catalog: CatalogChange[];
}

/** What waits for signatures, so that nobody signs what they have not seen. */
export async function whatWaits(session: AdminSession): Promise<ToSign> {
  const { signing } = session.depot;
  const roles = (await signing.draftedRoles()).map(({ role, before, after }) => {
    const of = ({ keys, threshold: many }: typeof after) =>
      `${many} of ${keys.map(({ id }) => id.slice(0, 8)).join(', ')}`;
    return `${role}: ${of(before)} => ${of(after)}`;
  });
  const drafted = await signing.draftedCatalog();
  return {
    waiting: await signing.waiting(),
    roles,
    catalog: drafted === null ? [] : catalogChanges(drafted.before, drafted.after),
  };
}

export interface Signed {
  /** Roles that this brought into force. */
  inForce: string[];
  /** What still waits. */
  waiting: Waiting[];
}

/**
 * Signs what waits with the keys at hand.
 * @throws D3Error notFound `NO_KEY_HERE` when none of them counts for it
 */
export async function signWaiting(before: readonly Waiting[], session: AdminSession): Promise<Signed> {
  await session.depot.publish({ mine: true, agreed: true });
  const waiting = await session.depot.signing.waiting();
  const isSame = (draft: Waiting) =>
    waiting.some(({ role, signed }) => role === draft.role && signed.length === draft.signed.length);
  if (before.length > 0 && before.every(isSame)) {
    throw new D3Error(
      'NO_KEY_HERE',
      'notFound',
      'None of the keys at hand counts for what waits, or they have signed it already.',
      {
        target: before.map(({ role }) => role).join(', '),
        actions: ['name the folder your key is in: --keys DIR', 'see whose signatures are missing: d3 depot keys list'],
      },
    );
  }
  const inForce = before.map(({ role }) => role).filter((role) => !waiting.some((draft) => draft.role === role));
  return { inForce, waiting };
}

export async function exportRoot(session: AdminSession): Promise<{ version: number; text: string }> {
  const { version, bytes } = await localDepot(session).signing.exportRoot();
  return { version, text: bytes.toString('utf8') };
}
