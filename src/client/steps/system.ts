import type { Json } from '@d3/sdk';
import type { ServiceAction } from '../../platform/services.ts';
import { coreKind } from '../../runs/kinds.ts';
import type { StepKind } from '../../runs/types.ts';
import type { StepParts } from './parts.ts';

/** A restart: the run is let go of, and whoever takes it up after the start finds the machine started anew. */
export function rebootKind({ power }: Pick<StepParts, 'power'>): StepKind {
  return coreKind<object>(
    'reboot',
    null,
    async ({ keep }) => {
      await keep({ boot: await power.bootId() });
      const begun = await power.restart();
      return {
        kind: 'leave',
        text: begun
          ? 'the machine restarts'
          : 'it goes on after a restart of the machine, which has to be done by hand',
      };
    },
    async ({ data }) => {
      const boot = await power.bootId();
      const before = bootIn(data);
      return boot !== null && before !== undefined && boot !== before ? 'the machine was restarted' : null;
    },
  );
}

/** @returns undefined when nothing was written down: then no restart was asked for yet */
function bootIn(data: Json): Json | undefined {
  return data !== null && typeof data === 'object' && !Array.isArray(data)
    ? (data as Record<string, Json>)['boot']
    : undefined;
}

export function serviceKind({ services }: Pick<StepParts, 'services'>): StepKind {
  return coreKind<{ name: string; action: ServiceAction }>(
    'service',
    600,
    async (_, { name, action }) => {
      await services.act(name, action);
      return { kind: 'done', text: `${name}: ${action}` };
    },
    async (_, { name, action }) => {
      if (action !== 'start' && action !== 'stop') return null;
      const active = await services.isActive(name);
      return active === (action === 'start') ? `${name} is ${active ? 'running' : 'stopped'}` : null;
    },
  );
}
