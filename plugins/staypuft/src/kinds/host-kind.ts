import { D3Error, type Json, type PluginContext, type StepAnswer, type StepPayload } from '@d3/sdk';
import type { Kind } from '../kinds.ts';

/** What comes of one try; who answers for the kind is said besides. */
export type HostAnswer =
  | { outcome: 'done' | 'failed' | 'hold' | 'leave'; text: string }
  | { outcome: 'later'; text: string; seconds: number; data?: Json };

/** A kind of step that works on one host. */
export interface HostKindOf {
  kind: string;
  summary: string;
  /** JSON Schema of its args besides `deployment` and `host`. */
  properties: Readonly<Record<string, Json>>;
  required: readonly string[];
  /** Seconds. */
  timeout: number;
  run(payload: StepPayload, context: PluginContext): Promise<HostAnswer>;
  /** How a step that was begun is known to be done, in words; left out: it looks itself, and is run again. */
  settled?(payload: StepPayload, context: PluginContext): Promise<string | null>;
}

const name = { type: 'string', minLength: 1, maxLength: 255 } as const;
/** Seconds until a host is tried again that was not to be reached. */
const AGAIN = 15;
/** Milliseconds a host may be out of reach before its step fails. */
const AWAY = 300_000;

/**
 * What is wrong with a host is told with the next step. One that cannot be reached is tried again for some minutes, and holds nobody
 * up meanwhile.
 */
export function hostKind(of: HostKindOf): Kind {
  const { kind, summary, properties, required, timeout } = of;
  return {
    offer: {
      kind,
      summary,
      schema: {
        type: 'object',
        additionalProperties: false,
        required: ['deployment', 'host', ...required],
        properties: { deployment: name, host: name, ...properties },
      },
      timeout,
    },
    async run(payload, context): Promise<StepAnswer> {
      try {
        return { handled: true, ...(await of.run(payload, context)) };
      } catch (error) {
        context.signal.throwIfAborted();
        if (!(error instanceof D3Error)) throw error;
        const later = away(error, payload, context);
        const told = error.actions.length === 0 ? error.message : `${error.message} ${error.actions.join('; ')}`;
        return later === null ? { handled: true, outcome: 'failed', text: told } : { handled: true, ...later };
      }
    },
    async settled(payload, context) {
      const how = (await of.settled?.(payload, context).catch(() => null)) ?? null;
      return { handled: true, settled: how !== null, text: how ?? '' };
    },
  };
}

function away(error: D3Error, { data }: StepPayload, { clock }: PluginContext): HostAnswer | null {
  if (error.code !== 'SSH_UNREACHABLE') return null;
  const remembered = fields(data);
  const now = clock.now().getTime();
  const since = typeof remembered['awaySince'] === 'number' ? remembered['awaySince'] : now;
  if (now - since > AWAY) return null;
  return { outcome: 'later', text: error.message, seconds: AGAIN, data: { ...remembered, awaySince: since } };
}

/** Data of a step as the object it is; anything else is an empty one. */
export function fields(data: Json): { [key: string]: Json } {
  return typeof data === 'object' && data !== null && !Array.isArray(data) ? (data as { [key: string]: Json }) : {};
}

/** A word of the args, which their schema holds to be one. */
export function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}
