import type { StepHere } from '@d3/sdk';
import type { Parts } from '../parts.ts';
import type { Values } from '../rules/attributes.ts';
import { fillEvent, judgeEvent } from '../rules/events.ts';
import type { EventArgs } from '../steps.ts';
import { done, failed, type Kind } from './kind.ts';
import { busy } from './quiet.ts';
import { restartFor, stillRestarting } from './restart.ts';

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
    const waits = await stillRestarting(parts, run);
    if (waits !== null) return waits;
    const why = await leftOut(parts, run);
    if (why !== null) return done(`it is left out: ${why}`);
    const waiting = await busy(parts, run);
    if (waiting !== null) return waiting;
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

/** Why the rest of a deployment is left out: somebody released the machine as it is, or a failure is to end in that. */
export async function leftOut({ memory, ports }: Parts, run: string): Promise<string | null> {
  const { override } = memory.of(run);
  if (override !== null) return `${override.by} releases it as it is: ${override.why}`;
  const failure = (await ports.runs.get(run))?.steps.find(endsIt);
  return failure === undefined ? null : `${failure.name} failed, and then the machine is released`;
}

/** A step that failed, where the settings say: release it then. */
export function endsIt({ kind, state, args }: StepHere): boolean {
  return kind === 'provision-event' && state === 'failed' && args['onFailure'] === 'release';
}

/** What scripts of a deployment see of the machine: `D3_PROVISION_BUILD`, `D3_PROVISION_EA_ROOM`. */
export function environmentOf(values: Values): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) => {
      const variable = `D3_PROVISION_${key.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_')}`.slice(0, 60);
      return [[variable, value]];
    }),
  );
}
