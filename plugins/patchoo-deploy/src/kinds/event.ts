import type { Values } from '../rules/attributes.ts';
import { fillEvent, judgeEvent } from '../rules/events.ts';
import type { EventArgs } from '../steps.ts';
import { done, failed, type Kind } from './kind.ts';
import { notNow } from './not-now.ts';
import { restartFor } from './restart.ts';

/** One event or policy of a deployment. What became of it is looked at; what was done before a cut is not done twice. */
export const event: Kind = {
  offer: {
    kind: 'provision-event',
    summary: 'Runs an event or a policy for what the machine is.',
    schema: {
      type: 'object',
      required: ['word', 'onFailure', 'ifNoPolicy'],
      properties: {
        word: { type: 'string', minLength: 1, maxLength: 100 },
        onFailure: { enum: ['continue', 'hold', 'release'] },
        ifNoPolicy: { enum: ['ok', 'warn', 'fail'] },
      },
      additionalProperties: false,
    },
    timeout: 86_400,
  },
  async run(parts, { run, index, args }) {
    const { memory, ports } = parts;
    const before = await notNow(parts, run);
    if (before !== null) return before;
    const { word, ifNoPolicy } = args as unknown as EventArgs;
    const values = memory.of(run).snapshot?.values ?? {};
    const filled = fillEvent(word, values);
    if (filled.kind === 'unsafe') return failed(filled.why);
    if (filled.kind === 'nothing') return done(`nothing is run: ${filled.why}`);
    const ran = await ports.policies.run(filled.word, environmentOf(values), { run, index });
    const { kind, text, warning } = judgeEvent({ ifNoPolicy }, filled.word, ran);
    if (kind === 'restart') return restartFor(parts, run, text);
    if (warning) memory.warn(run, text);
    return kind === 'failed' ? failed(text) : done(text);
  },
};

/** What scripts of a deployment see of the machine: `D3_PROVISION_BUILD`, `D3_PROVISION_EA_ROOM`. */
export function environmentOf(values: Values): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) => {
      const variable = `D3_PROVISION_${key.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_')}`.slice(0, 60);
      return [[variable, value]];
    }),
  );
}
