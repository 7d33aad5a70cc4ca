import type { PluginContext } from './context.ts';
import type { EventMap, EventName } from './events.ts';

/** Events whose handlers must answer at once. */
type SynchronousEvent = 'd3:plan';

/** A handler of an event. That of `d3:plan` gets nothing but the payload and may not return a promise. */
export type Handler<Name extends EventName> = Name extends SynchronousEvent
  ? (payload: EventMap[Name]['payload']) => EventMap[Name]['answer']
  : (
      payload: EventMap[Name]['payload'],
      context: PluginContext,
    ) => EventMap[Name]['answer'] | Promise<EventMap[Name]['answer']>;

/**
 * Marks a function as the handler of an event, so that a misspelt event or a wrong answer does not compile:
 *
 * ```ts
 * export default defineHook('d3:sync:after', async ({ exit }, { ui }) => {
 *   ui({ type: 'note', target: null, text: `the sync ended with ${exit}` });
 * });
 * ```
 */
export function defineHook<Name extends EventName>(_event: Name, handler: Handler<Name>): Handler<Name> {
  return handler;
}
