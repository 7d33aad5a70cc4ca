/** The words lists of editions can be limited by; `all` is every status but `archived`. */
export const SHOWABLE = ['all', 'pilot', 'live', 'deprecated', 'skipped', 'archived', 'missing'] as const;
export type Showable = (typeof SHOWABLE)[number];
