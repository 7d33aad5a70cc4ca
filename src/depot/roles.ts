/**
 * Who may do what with a served depot. Each of the first four may do what those before it may; a technician may do one
 * thing only, with one computer.
 */

export const RANKS = ['viewer', 'packager', 'releaser', 'admin'] as const;
/** Looks; adds and tests; releases to machines; everything. */
export type Rank = (typeof RANKS)[number];

export const ROLES = [...RANKS, 'technician'] as const;
export type Role = (typeof ROLES)[number];

/** Whether a role may do what needs a rank. */
export function suffices(role: Role, least: Rank): boolean {
  return role !== 'technician' && RANKS.indexOf(role) >= RANKS.indexOf(least);
}
