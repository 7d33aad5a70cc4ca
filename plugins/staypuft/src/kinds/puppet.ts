import type { Kind } from '../kinds.ts';
import type { PuppetParts, WithPuppet } from '../puppet/parts.ts';
import { ROUNDS, type Verdict } from '../puppet/rules.ts';
import type { Manifest } from '../puppet/script.ts';
import { advance, countText, listed, type PuppetPlan } from '../puppet/step.ts';
import type { PuppetStep } from '../types.ts';
import { PUPPET } from './work-id.ts';

/** What is between the step's own limit and that of one run: finding the host, its answer. */
const HOURS = 10_800;

/** Kind `deploy-puppet`: has Puppet run on a host until nothing changes any more. */
export function puppetKind(withPuppet: WithPuppet): Kind {
  return {
    offer: {
      kind: PUPPET,
      summary: 'Has Puppet run on a host until nothing changes any more.',
      timeout: HOURS,
      schema: {
        type: 'object',
        properties: {
          deployment: { type: 'string', minLength: 1, maxLength: 255 },
          host: { type: 'string', minLength: 1, maxLength: 255 },
          role: { type: 'string', minLength: 1, maxLength: 255 },
          puppet: {
            type: 'object',
            properties: {
              environment: ENVIRONMENT,
              rounds: { type: 'integer', minimum: 1, maximum: 10 },
              apply: { type: 'string', minLength: 1, maxLength: 500_000 },
              only: {
                type: 'array',
                maxItems: 1000,
                items: { type: 'string', pattern: '^[A-Za-z][A-Za-z0-9_:]*\\[[^\\n]+\\]$', maxLength: 1000 },
              },
              running: { enum: ['wait', 'end'] },
            },
            additionalProperties: false,
          },
        },
        required: ['deployment', 'host', 'puppet'],
        additionalProperties: false,
      },
    },
    run: (payload, ctx) =>
      withPuppet(ctx, async (parts) => {
        const { host, puppet } = payload.args as unknown as { host: string; puppet: PuppetStep };
        const target = await parts.target(host);
        const onLine = (text: string) => ctx.ui({ type: 'detail', target: host, text });
        const { remote, limits } = parts;
        return advance(planOf(puppet, parts), payload, { remote, target, limits, signal: ctx.signal, onLine });
      }),
    settled: stillToSee,
  };
}

export const ENVIRONMENT = { type: 'string', pattern: '^[a-z0-9_]+$', maxLength: 255 } as const;

/** Whether it is done the run itself finds out: the work is known to the host. */
export async function stillToSee(): Promise<{ handled: true; settled: false; text: string }> {
  return { handled: true, settled: false, text: '' };
}

function planOf(step: PuppetStep, { programs }: PuppetParts): PuppetPlan {
  const { environment, apply, only, running, rounds = ROUNDS } = step;
  return {
    rounds,
    options: {
      ...(environment === undefined ? {} : { environment }),
      ...(apply === undefined ? {} : { apply: manifestOf(apply) }),
      ...(programs === undefined ? {} : { programs }),
      endsOther: running === 'end',
    },
    expectation: { environment: environment ?? null, only: only ?? null },
    ending: async (verdict, { environment: applied, version }) => ({
      done: `${changesText(verdict)} (environment ${applied}, ${version})`,
    }),
  };
}

/** A manifest's path on the host, or its text. */
function manifestOf(apply: string): Manifest {
  return /^\/[^\n]*\.pp$/.test(apply) ? { file: apply } : { text: apply };
}

function changesText({ changed }: Verdict): string {
  return changed.length === 0 ? 'nothing had to change' : `${countText(changed.length)} changed: ${listed(changed)}`;
}
