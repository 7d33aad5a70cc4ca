import type { SettledAnswer, StepAnswer, StepKindOffer, StepPayload } from '@d3/sdk';
import type { Parts } from '../parts.ts';

/** What came of a step. */
export type StepEnd = Extract<StepAnswer, { handled: true }>;

/** A kind of step of deployments. */
export interface Kind {
  offer: StepKindOffer;
  run(parts: Parts, step: StepPayload): Promise<StepEnd>;
  /** Whether one that was begun has done its work; left out: it has to be run again. */
  settled?(parts: Parts, step: StepPayload): Promise<Extract<SettledAnswer, { handled: true }>>;
}

export const NO_ARGS = { type: 'object', maxProperties: 0 } as const;

export const done = (text: string): StepEnd => ({ handled: true, outcome: 'done', text });
export const failed = (text: string): StepEnd => ({ handled: true, outcome: 'failed', text });
export const leave = (text: string): StepEnd => ({ handled: true, outcome: 'leave', text });
export const later = (seconds: number, text: string): StepEnd => ({ handled: true, outcome: 'later', text, seconds });
