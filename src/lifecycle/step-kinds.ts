import type { StepKindOffer, StepPayload } from '@d3/sdk';
import { CORE_KINDS } from '../runs/schema.ts';
import type { StepContext, StepEnd, StepKind } from '../runs/types.ts';
import type { PluginRoom, Plugins } from './plugins.ts';

/** What plugins' steps are run with. */
export interface PluginStepParts {
  plugins: Plugins;
  /** The room of a step: its signal ends what it does, and what it says belongs to its run. */
  room(signal: AbortSignal, say: (text: string) => void): Promise<PluginRoom>;
  environment(context: StepContext): Record<string, string>;
}

/** Seconds a step of a plugin may take unless its offer says otherwise. */
const LIMIT = 3600;

/**
 * The kinds that plugins bring. Core's own names are taken, and of several plugins the first has a name; both are said.
 * @param warn told what is wrong with an offer
 */
export async function pluginKinds(
  parts: PluginStepParts,
  at: string,
  signal: AbortSignal,
  warn: (plugin: string, text: string) => void,
): Promise<StepKind[]> {
  const found = new Map<string, StepKind>();
  const room = await parts.room(signal, () => undefined);
  for (const { plugin, answer } of await parts.plugins.stepKinds(at, room)) {
    for (const offer of answer) {
      if (Object.hasOwn(CORE_KINDS, offer.kind)) warn(plugin, `steps called ${offer.kind} are d3's own`);
      else if (found.has(offer.kind)) warn(plugin, `another plugin has steps called ${offer.kind}`);
      else found.set(offer.kind, kindOf(offer, parts));
    }
  }
  return [...found.values()];
}

function kindOf({ kind, schema, timeout = LIMIT }: StepKindOffer, parts: PluginStepParts): StepKind {
  const payload = async (context: StepContext, args: StepPayload['args'], room: PluginRoom): Promise<StepPayload> => ({
    kind,
    args,
    run: context.run.id,
    index: context.index,
    attempt: context.run.steps[context.index]?.attempts ?? 1,
    environment: parts.environment(context),
    machine: room.machine,
    data: context.data,
  });
  return {
    kind,
    schema,
    timeout,
    async run(context, args): Promise<StepEnd> {
      const room = await parts.room(context.signal, context.say);
      const answer = await parts.plugins.runStep(await payload(context, args, room), room);
      if (answer?.outcome === 'later') {
        // Remembered before it is let go: whoever runs it next finds it.
        if (answer.data !== undefined) await context.keep(answer.data);
        return { kind: 'later', text: answer.text, seconds: answer.seconds };
      }
      if (answer !== null && answer.outcome !== 'failed') return { kind: answer.outcome, text: answer.text };
      // Tried again, it begins with nothing: its time runs anew.
      if (context.data !== null) await context.keep(null);
      const text = answer?.text ?? `the plugin that brings ${kind} did not answer for it`;
      return { kind: 'failed', text, problem: { code: 'PLUGIN_STEP', exit: 'failed', actions: [] } };
    },
    async settled(context, args) {
      const room = await parts.room(context.signal, context.say);
      const answer = await parts.plugins.settledStep(await payload(context, args, room), room);
      return answer?.settled === true ? answer.text : null;
    },
  };
}
