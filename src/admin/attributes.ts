import { statSync } from 'node:fs';
import { D3Error } from '@d3/sdk';
import type { NamesKnown, ReadAttributes, ScriptReference } from '../catalog/attributes.ts';
import { firmExpirationText, isPast } from '../catalog/firm-expiration.ts';
import { SLOT_NAMES } from '../catalog/slots.ts';
import type { EditionAttributes, ScriptPin, ScriptSlot } from '../catalog/types.ts';
import { categoriesKnown } from './named.ts';
import { readScript, storeScript } from './scripts.ts';
import type { AdminSession } from './session.ts';

export async function namesKnown(session: AdminSession): Promise<NamesKnown> {
  const { depot } = session;
  return {
    categories: await categoriesKnown(session),
    groups: await depot.store.documents('group').list(),
    scripts: await depot.store.documents('script').list(),
    isFile: (path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true,
  };
}

export interface PinnedScripts {
  pins: Partial<Record<ScriptSlot, ScriptPin | null>>;
  /** Takes back the scripts that were made for this; for when what they were made for fails. */
  undo(): Promise<void>;
}

/** Turns script references into pins by content. A file becomes a script of the depot, or the one it already is. */
export async function pinScripts(
  basename: string,
  references: ReadAttributes['scripts'],
  session: AdminSession,
): Promise<PinnedScripts> {
  const pins: PinnedScripts['pins'] = {};
  const made: (() => Promise<void>)[] = [];
  const undo = async () => {
    for (const takeBack of made) await takeBack();
  };
  try {
    for (const [slot, reference] of Object.entries(references) as [ScriptSlot, ScriptReference | null][]) {
      if (reference === null) pins[slot] = null;
      else if (reference.kind === 'document') pins[slot] = await currentPin(reference.id, session);
      else {
        const name = `${basename}-${SLOT_NAMES[slot]}`;
        const [content, from] =
          reference.kind === 'file'
            ? [readScript(reference.path), reference.path]
            : [Buffer.from(reference.text), reference.from];
        const stored = await storeScript(name, content, `from ${from}`, session);
        pins[slot] = stored.pin;
        if (stored.undo !== null) made.push(stored.undo);
      }
    }
  } catch (error) {
    await undo();
    throw error;
  }
  return { pins, undo };
}

/** The present content of a script document, as a pin; null when the document is gone. */
export async function pinOf(id: number, { depot }: AdminSession): Promise<ScriptPin | null> {
  const script = await depot.store.documents('script').get(id);
  return script === null ? null : { id, name: script.name, sha256: script.body.sha256, size: script.body.size };
}

async function currentPin(id: number, session: AdminSession): Promise<ScriptPin> {
  const pin = await pinOf(id, session);
  if (pin !== null) return pin;
  throw new D3Error('SCRIPT_NOT_FOUND', 'notFound', `Script ${id} was deleted meanwhile.`, { target: String(id) });
}

/** What an admin should know of an edition as it is set up, though it is not wrong. */
export function riskOf(
  { removeFirst, preInstall, firmExpiration, removable, expiration, autoGroups }: EditionAttributes,
  now: Date,
): string[] {
  const risks: string[] = [];
  // A refusing script leaves machines without the old edition and without the new one.
  if (removeFirst && preInstall !== null) {
    risks.push(
      'the old edition is removed before the pre-install script is asked: if that refuses, neither is installed; the setting install.removeFirst: after-gate turns the order round',
    );
  }
  if (isPast(firmExpiration, now))
    risks.push(`its firm expiration (${firmExpirationText(firmExpiration)}) is over: machines may remove it at once`);
  const expires = expiration > 0 || (firmExpiration ?? null) !== null;
  if (!removable && expires) risks.push('it is not removable, so it never expires');
  if (removable && expires && autoGroups.length > 0)
    risks.push('it is auto-installed: on those machines what has expired comes back with the next sync');
  return risks;
}
