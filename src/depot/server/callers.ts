import { D3Error } from '@d3/sdk';
import { type Rank, suffices } from '../roles.ts';
import type { KnownToken } from '../store/contract.ts';

/** Who may use a route. */
export type Access =
  /** Anybody, with or without a token. */
  | { for: 'anybody' }
  /** Whoever may read what machines read: anybody, or enrolled computers and people who may look, as the server is set. */
  | { for: 'readers' }
  /** People whose role has this rank at least. */
  | { for: 'people'; least: Rank }
  /** An enrolled computer, about itself only. */
  | { for: 'machine' }
  /** A technician about the one computer of the token, an enrolled computer about itself, and people who may look. */
  | { for: 'provisioning' };

/** Who may read the catalog and the packages. */
export type Readers = 'everyone' | 'enrolled';

/** Who asks; null: nobody who said so. */
export type Caller = KnownToken | null;

/** What somebody is told who has no secret that is known. */
export function unauthenticated(why: string): D3Error {
  return new D3Error('UNAUTHENTICATED', 'notAuthorised', why, {
    target: 'authorization',
    actions: [
      'admins: ask for a token (d3admin token add), then d3admin config credentials NAME',
      'machines: enrol, d3 enroll URL --code CODE',
    ],
  });
}

/** @throws D3Error notAuthorised unless the caller may use the route at all; about what, routes look themselves */
export function requireAccess(access: Access, caller: Caller, readers: Readers): void {
  if (access.for === 'anybody' || (access.for === 'readers' && readers === 'everyone')) return;
  if (caller === null) throw unauthenticated('That needs a token.');
  const { role } = caller;
  if (access.for === 'people') {
    if (role === 'machine' || !suffices(role, access.least)) throw forbidden(caller, access.least);
    return;
  }
  if (access.for === 'machine') {
    if (role !== 'machine') throw forbidden(caller, 'machine');
    return;
  }
  if (role === 'machine' || suffices(role, 'viewer')) return;
  if (access.for === 'readers') throw forbidden(caller, 'viewer');
}

/** @throws D3Error notAuthorised when what is asked turns out to need more than the route does */
export function requireRank(caller: Caller, least: Rank, what: string): void {
  if (caller !== null && caller.role !== 'machine' && suffices(caller.role, least)) return;
  throw new D3Error('FORBIDDEN', 'notAuthorised', `${what} needs the role ${least}.`, {
    target: caller?.name ?? 'authorization',
    actions: [`ask somebody whose token has the role ${least} or more`],
  });
}

/** @throws D3Error notAuthorised when a machine or a technician asks about another computer than its own */
export function requireOwn(caller: Caller, computer: string): void {
  if (caller === null) throw unauthenticated('That needs a token.');
  if ((caller.role !== 'machine' && caller.role !== 'technician') || caller.computer === computer) return;
  throw new D3Error('FOREIGN_COMPUTER', 'notAuthorised', `${caller.name} may not speak of another computer.`, {
    target: computer,
    actions: [`its own is ${caller.computer}`],
  });
}

function forbidden({ name, role }: KnownToken, least: string): D3Error {
  return new D3Error('FORBIDDEN', 'notAuthorised', `${name} has the role ${role}; that needs ${least}.`, {
    target: name,
    actions: ['ask an admin of the depot'],
  });
}
