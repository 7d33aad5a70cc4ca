import { D3Error, type Json, type PluginContext, type StepAnswer, type StepPayload } from '@d3/sdk';
import type { Kind } from '../kinds.ts';
import type { Host, NamedHost } from '../types.ts';

/** What a step does in Foreman. */
type Args = { deployment: string; host: string } /** Title of the hostgroup of its role. */ & (
  | { do: 'convert' | 'provision'; hostgroup: string }
  | { do: 'provisioned'; seconds?: number }
  /** Null: that of its hostgroup. */
  | { do: 'environment'; name: string | null }
  | { do: 'autosign'; is: 'add' | 'remove' }
);

const text = { type: 'string', minLength: 1, maxLength: 255 } as const;
const common = { deployment: text, host: text } as const;
const needed = ['deployment', 'host', 'do'] as const;

function form(properties: { readonly [name: string]: Json }, required: readonly string[]): Json {
  return {
    type: 'object',
    additionalProperties: false,
    required: [...needed, ...required],
    properties: { ...common, ...properties },
  };
}

/** Seconds that an installation may take unless a step says otherwise. */
const INSTALL_SECONDS = 7200;

export const foremanKind: Kind = {
  offer: {
    kind: 'deploy-foreman',
    summary: 'Has Foreman install a host of a deployment, or say what environment it is in.',
    schema: {
      oneOf: [
        form({ do: { enum: ['convert', 'provision'] }, hostgroup: text }, ['hostgroup']),
        form({ do: { const: 'provisioned' }, seconds: { type: 'integer', minimum: 1, maximum: 86_400 } }, []),
        form({ do: { const: 'environment' }, name: { anyOf: [text, { type: 'null' }] } }, ['name']),
        form({ do: { const: 'autosign' }, is: { enum: ['add', 'remove'] } }, ['is']),
      ],
    },
    timeout: 600,
  },

  async run(payload, context) {
    try {
      return { handled: true, ...(await perform(payload, context)) };
    } catch (error) {
      context.signal.throwIfAborted();
      if (!(error instanceof D3Error)) throw error;
      const [next] = error.actions;
      return {
        handled: true,
        outcome: 'failed',
        text: next === undefined ? error.message : `${error.message}. ${next}`,
      };
    }
  },

  /** Each looks at what is done already before it does anything: it is run again after a cut. */
  async settled() {
    return { handled: true, settled: false, text: 'Foreman is asked what was done' };
  },
};

type Handled = Extract<StepAnswer, { handled: true }>;
type Performed = Handled extends infer One ? (One extends unknown ? Omit<One, 'handled'> : never) : never;

async function perform({ args, run }: StepPayload, context: PluginContext): Promise<Performed> {
  const { hasForeman, siteOf, withForeman } = await import('../foreman/site.ts');
  const step = args as unknown as Args;
  const target = await hostNamed(step.host, context);
  // What only tells Foreman of a host that it has is nothing where it has none.
  const tells = step.do === 'environment' || step.do === 'autosign';
  if (tells && (target.host.foreman === null || !hasForeman(siteOf(await context.settings.all()))))
    return { outcome: 'done', text: `nothing to do: ${target.name} is in no Foreman` };
  return withForeman(context, async (foreman, site) => {
    switch (step.do) {
      case 'convert': {
        const [{ assign }, { isInstalled }, { locate }] = await Promise.all([
          import('../foreman/assign.ts'),
          import('../foreman/provision.ts'),
          import('../foreman/records.ts'),
        ]);
        // Assigned as one that is to be installed, it would be at its next start.
        if (target.host.kind === 'discovered' && isInstalled(await locate(foreman, target)))
          return { outcome: 'done', text: `${target.name} is installed already` };
        const { text: said } = await assign(foreman, target, step.hostgroup);
        return { outcome: 'done', text: said };
      }
      case 'provision': {
        const { provision } = await import('../foreman/provision.ts');
        return provision(target, step.hostgroup, { foreman, site, run, context });
      }
      case 'provisioned': {
        const { provisioned } = await import('../foreman/provision.ts');
        return provisioned(target, step.seconds ?? INSTALL_SECONDS, { foreman, site, run, context });
      }
      case 'environment': {
        const { setEnvironment } = await import('../foreman/classifier.ts');
        const now = await setEnvironment(foreman, target, step.name);
        return { outcome: 'done', text: `in the environment ${now}` };
      }
      case 'autosign': {
        const { allowSigning, endSigning } = await import('../foreman/autosign.ts');
        const work = step.is === 'add' ? allowSigning : endSigning;
        return { outcome: 'done', text: await work(foreman, target, context) };
      }
    }
  });
}

async function hostNamed(name: string, context: PluginContext): Promise<NamedHost> {
  const { depotOf } = await import('../foreman/notes.ts');
  const document = await depotOf(context).documents('host').byName(name);
  if (document !== null) return { name: document.name, host: document.body as Host };
  throw new D3Error('HOST_NOT_FOUND', 'notFound', `There is no host ${name}`, {
    target: name,
    actions: ['See which there are: d3admin computer discover'],
  });
}
