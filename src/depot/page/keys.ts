/** What keys do besides what a browser does with them. Pure. */

export type Doing = { go: readonly string[] } | 'help' | 'filter' | 'refresh';

export const SHORTCUTS: readonly { keys: string; does: string; doing: Doing }[] = [
  { keys: '?', does: 'Show these keys', doing: 'help' },
  { keys: '/', does: 'Go to the filter of a list', doing: 'filter' },
  { keys: 'r', does: 'Read everything again', doing: 'refresh' },
  { keys: 'g o', does: 'Overview', doing: { go: [] } },
  { keys: 'g p', does: 'Packages', doing: { go: ['packages'] } },
  { keys: 'g m', does: 'Machines', doing: { go: ['machines'] } },
  { keys: 'g q', does: 'Puppy queues', doing: { go: ['queue'] } },
  { keys: 'g r', does: 'Runs', doing: { go: ['runs'] } },
];

export interface Pressed {
  key: string;
  /** Ctrl, Alt or Meta: somebody else's. */
  modified: boolean;
  /** Somebody is writing. */
  typing: boolean;
}

/**
 * @param before the key that was pressed just before, if it may begin something
 * @returns what to do, and what this key may have begun
 */
export function pressed({ key, modified, typing }: Pressed, before: string): { doing: Doing | null; begun: string } {
  if (modified || typing) return { doing: null, begun: '' };
  const both = before === '' ? key : `${before} ${key}`;
  const found = SHORTCUTS.find(({ keys }) => keys === both) ?? SHORTCUTS.find(({ keys }) => keys === key);
  if (found !== undefined) return { doing: found.doing, begun: '' };
  return { doing: null, begun: SHORTCUTS.some(({ keys }) => keys.startsWith(`${key} `)) ? key : '' };
}
