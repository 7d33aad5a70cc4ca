import type { PluginContext, SettledAnswer, StepAnswer, StepKindOffer, StepPayload } from '@d3/sdk';
import { agentKind } from './kinds/agent.ts';
import { conductKind } from './kinds/conduct.ts';
import { foremanKind } from './kinds/foreman.ts';
import { markKind } from './kinds/mark.ts';
import { puppetKind } from './kinds/puppet.ts';
import { readyKind } from './kinds/ready.ts';
import { stepKind } from './kinds/step.ts';
import { remoteOf, withPuppet } from './remote.ts';

/** A kind of step that this plugin brings. */
export interface Kind {
  offer: StepKindOffer;
  run(payload: StepPayload, ctx: PluginContext): Promise<StepAnswer>;
  settled(payload: StepPayload, ctx: PluginContext): Promise<SettledAnswer>;
}

/** All of them. */
export const KINDS: readonly Kind[] = [
  conductKind,
  readyKind(remoteOf),
  markKind(remoteOf),
  stepKind(remoteOf),
  foremanKind,
  puppetKind(withPuppet),
  agentKind(withPuppet),
];

export function kindOf(name: string): Kind | undefined {
  return KINDS.find(({ offer }) => offer.kind === name);
}
