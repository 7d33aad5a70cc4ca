import { statSync } from 'node:fs';
import path from 'node:path';
import { D3Error, type Json } from '@d3/sdk';
import { wholeNumber } from '../catalog/names.ts';
import type { PolicyStep, ScriptPin } from '../catalog/types.ts';
import { pinOf } from './attributes.ts';
import { readScript, storeScript } from './scripts.ts';
import type { AdminSession } from './session.ts';

/** Steps whose scripts are pinned by content, as those of editions are. */
export interface PinnedSteps {
  steps: PolicyStep[];
  problems: D3Error[];
  /** Takes back the scripts that were made for this. */
  undo(): Promise<void>;
}

/** @param folder where files are looked for that steps name */
export async function pinStepScripts(
  policy: string,
  { steps, folder }: { steps: readonly PolicyStep[]; folder: string },
  session: AdminSession,
): Promise<PinnedSteps> {
  const made: (() => Promise<void>)[] = [];
  const problems: D3Error[] = [];
  const pinned: PolicyStep[] = [];
  for (const [index, step] of steps.entries()) {
    const script = step.kind === 'script' ? step.args?.['script'] : undefined;
    if (script === undefined) {
      pinned.push({ ...step, args: step.args ?? {} });
      continue;
    }
    try {
      const { pin, undo } = await pinFor(script, `${policy}-step-${index + 1}`, folder, session);
      if (undo !== null) made.push(undo);
      pinned.push({ ...step, args: { ...step.args, script: { ...pin } } });
    } catch (error) {
      if (!(error instanceof D3Error)) throw error;
      problems.push(error);
      pinned.push({
        ...step,
        args: { ...step.args, script: { id: 1, name: 'none', sha256: '0'.repeat(64), size: 0 } },
      });
    }
  }
  return {
    steps: pinned,
    problems,
    undo: async () => {
      for (const takeBack of made) await takeBack();
    },
  };
}

async function pinFor(
  script: Json,
  name: string,
  folder: string,
  session: AdminSession,
): Promise<{ pin: ScriptPin; undo: (() => Promise<void>) | null }> {
  const { depot } = session;
  if (typeof script === 'object' && script !== null) {
    const pin = script as unknown as ScriptPin;
    const known = (await depot.blobs.list()).has(pin.sha256);
    if (known) return { pin, undo: null };
    throw unknownScript(String(pin.name ?? pin.sha256));
  }
  const word = String(script);
  const id = wholeNumber(word);
  const stored = id === null ? await depot.store.documents('script').byName(word) : { id };
  const pin = stored === null ? null : await pinOf(stored.id, session);
  if (pin !== null) return { pin, undo: null };
  const file = path.resolve(folder, word);
  if (id === null && statSync(file, { throwIfNoEntry: false })?.isFile())
    return storeScript(name, readScript(file), `from ${file}`, session);
  throw unknownScript(word);
}

function unknownScript(word: string): D3Error {
  return new D3Error(
    'SCRIPT_NOT_FOUND',
    'notFound',
    `There is no script with the name or id ${word}, and no such file.`,
    {
      target: word,
      actions: ['see the scripts: d3admin script list', 'or take it in: d3admin script add FILE'],
    },
  );
}
