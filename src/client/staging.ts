import { readdirSync } from 'node:fs';
import { recoverStaged } from '../installers/index.ts';
import type { ActingContext } from './context.ts';

const STAGING = /^(\.d3-stage-(\d+))(?:\.done)?$/;

/** Where a package is unpacked beside its target; named by the action, so that a cut run's leavings can be found. */
export function stagingName(actionId: number): string {
  return `.d3-stage-${actionId}`;
}

/**
 * Clears up staging folders of actions that are over: one that could not be removed at the end of its install, e.g. because
 * the disk failed just then, would stay for ever. What is still in the journal is not touched.
 */
export async function clearStagings({ paths, state, report }: ActingContext): Promise<void> {
  const open = new Set(state.journal().map(({ id }) => stagingName(id)));
  const found = readdirSync(paths.root).flatMap((name) => STAGING.exec(name)?.[1] ?? []);
  for (const name of new Set(found)) {
    if (open.has(name)) continue;
    await recoverStaged(paths.root, name).catch((error: unknown) => {
      const text = `${name}, left by an earlier run, could not be removed: ${(error as Error).message}`;
      report({ type: 'warning', target: null, text });
    });
  }
}
