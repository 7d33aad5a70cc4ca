import type { Token } from '../depot/index.ts';

/** Columns of lists of tokens. */
export const TOKEN_COLUMNS = ['Name', 'Role', 'Computer', 'Made by', 'Last used', 'Ends'];

export function tokenRow({ name, role, computer, createdBy, lastUsedAt, expiresAt, revokedAt, revokedBy }: Token) {
  const ends = revokedAt === null ? (expiresAt ?? 'never') : `revoked ${revokedAt} by ${revokedBy}`;
  return [name, role, computer ?? '', createdBy, lastUsedAt ?? 'never', ends];
}
