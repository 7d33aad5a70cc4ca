import { D3Error } from '@d3/sdk';
import type { Enrolment, EnrolmentCode } from '../depot/index.ts';
import type { AdminSession } from './session.ts';

/** Codes, and the machines that came with them or wait. */
export interface Enrolments {
  codes: EnrolmentCode[];
  enrolments: Enrolment[];
}

/** @param hours how long it is good for */
export function addCode(
  kind: EnrolmentCode['kind'],
  note: string,
  hours: number,
  { depot, admin, clock }: AdminSession,
): Promise<{ code: EnrolmentCode; secret: string }> {
  const expiresAt = new Date(clock.now().getTime() + hours * 3_600_000).toISOString();
  return depot.store.enrolments.addCode({ kind, note, expiresAt }, admin);
}

export function revokeCode(number: number, { depot, admin }: AdminSession): Promise<EnrolmentCode> {
  return depot.store.enrolments.revokeCode(number, admin);
}

/** @param all codes and machines that are done with too */
export async function listEnrolments(all: boolean, { depot, clock }: AdminSession): Promise<Enrolments> {
  const { enrolments: store } = depot.store;
  const [codes, enrolments] = [await store.codes(), await store.list()];
  if (all) return { codes, enrolments };
  const now = clock.now().toISOString();
  return {
    codes: codes.filter(
      ({ kind, uses, revokedAt, expiresAt }) =>
        revokedAt === null && expiresAt > now && (kind === 'site' || uses === 0),
    ),
    enrolments: enrolments.filter(({ state }) => state === 'pending'),
  };
}

/** Decides about machines that wait, one by one. @returns those that were decided, and what failed of the others */
export async function decideEnrolments(
  numbers: readonly number[],
  decision: 'approve' | 'refuse',
  computer: string | null,
  { depot, admin }: AdminSession,
): Promise<{ decided: Enrolment[]; errors: D3Error[] }> {
  const { enrolments } = depot.store;
  const decided: Enrolment[] = [];
  const errors: D3Error[] = [];
  for (const number of numbers) {
    try {
      decided.push(
        decision === 'approve'
          ? await enrolments.approve(number, computer, admin)
          : await enrolments.refuse(number, admin),
      );
    } catch (error) {
      if (!(error instanceof D3Error)) throw error;
      errors.push(error);
    }
  }
  return { decided, errors };
}
