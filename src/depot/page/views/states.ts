import type { StandingState } from '../../views/answers.ts';

/** How a computer stands to an edition, as it is read. */
export const STATE_WORDS: Readonly<Record<StandingState, string>> = {
  installed: 'installed',
  restart: 'waiting',
  pending: 'pending',
  held: 'held',
  blocked: 'blocked',
  failed: 'failed',
  unfit: 'not for it',
};
