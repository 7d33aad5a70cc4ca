import type { ScriptSlot } from './types.ts';

/** Words for people. */
export const SLOT_NAMES: Record<ScriptSlot, string> = {
  preInstall: 'pre-install',
  postInstall: 'post-install',
  preRemove: 'pre-remove',
  postRemove: 'post-remove',
};
