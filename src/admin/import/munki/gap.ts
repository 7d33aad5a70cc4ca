import type { Gap } from '../types.ts';

export type MakeGap = (key: string, what: string, why: string, todo: string) => Gap;

/** Says of one item of a repository what has no counterpart. */
export function gapsIn(item: string, from: string): MakeGap {
  return (key, what, why, todo) => ({ item, from, key, what, why, todo });
}
