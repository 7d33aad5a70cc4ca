import type { PluginContext, SettledAnswer, StepAnswer, StepKindOffer, StepPayload } from '@d3/sdk';
import { foremanKind } from './kinds/foreman.ts';

/** A kind of step that this plugin brings. */
export interface Kind {
  offer: StepKindOffer;
  run(payload: StepPayload, ctx: PluginContext): Promise<StepAnswer>;
  settled(payload: StepPayload, ctx: PluginContext): Promise<SettledAnswer>;
}

/** All of them. */
export const KINDS: readonly Kind[] = [foremanKind];

export function kindOf(name: string): Kind | undefined {
  return KINDS.find(({ offer }) => offer.kind === name);
}
