import type { PolicyStep, ScriptPin } from '../catalog/types.ts';

/** The scripts that steps run, as they are pinned. */
export function scriptsOfSteps(steps: readonly PolicyStep[]): ScriptPin[] {
  return steps.flatMap(({ kind, args }) => (kind === 'script' ? [args['script'] as unknown as ScriptPin] : []));
}
