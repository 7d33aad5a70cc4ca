import { D3Error } from '@d3/sdk';
import { Fleet, ROLES, type Role, type Token } from '../depot/index.ts';
import type { AdminSession } from './session.ts';

export interface TokenRequest {
  name: string;
  role: string;
  /** The one computer a technician may ask about: its name, serial number or id. */
  computer: string | undefined;
  /** Days; undefined: it does not expire. */
  days: number | undefined;
}

const DAY = 86_400_000;

/** @returns the token with its secret, which is told this once */
export async function addToken(
  { name, role, computer, days }: TokenRequest,
  session: AdminSession,
): Promise<{ token: Token; secret: string }> {
  const { depot, admin, clock } = session;
  const meant = computer === undefined ? null : (await Fleet.of(session)).find(computer).id;
  const expiresAt = days === undefined ? null : new Date(clock.now().getTime() + days * DAY).toISOString();
  return depot.store.tokens.add({ name, role: roleMeant(role), computer: meant, expiresAt }, admin);
}

/** @param all revoked ones too */
export async function listTokens(all: boolean, { depot }: AdminSession): Promise<Token[]> {
  const tokens = await depot.store.tokens.list();
  return all ? tokens : tokens.filter(({ revokedAt }) => revokedAt === null);
}

export function revokeToken(name: string, { depot, admin }: AdminSession): Promise<Token> {
  return depot.store.tokens.revoke(name, admin);
}

function roleMeant(word: string): Role {
  const role = ROLES.find((known) => known === word.toLowerCase());
  if (role !== undefined) return role;
  throw new D3Error('ROLE_UNKNOWN', 'usage', `There is no role ${word}.`, {
    target: '--role',
    actions: [`the roles are ${ROLES.join(', ')}`],
  });
}
