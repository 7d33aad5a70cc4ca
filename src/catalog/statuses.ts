/** The words lists of editions can be limited by; `all` is every status but `archived`. */
export const SHOWABLE = ['all', 'pilot', 'live', 'deprecated', 'skipped', 'archived', 'missing'] as const;
export type Showable = (typeof SHOWABLE)[number];

/** What reports can be about: what machines have by a status, or all that a computer has. */
export const REPORT_TYPES = ['pilot', 'installed', 'deprecated', 'computer'] as const;
export type ReportType = (typeof REPORT_TYPES)[number];
