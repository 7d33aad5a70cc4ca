import type { PluginContext } from '@d3/sdk';
import type { Kind } from '../kinds.ts';
import { agentManifest, agentModule } from '../puppet/module.ts';
import type { PuppetParts, WithPuppet } from '../puppet/parts.ts';
import type { PuppetReport } from '../puppet/report.ts';
import { type Verdict, wantedAgent } from '../puppet/rules.ts';
import { advance, type PuppetPlan } from '../puppet/step.ts';
import type { Target } from '../ssh-port.ts';
import { ENVIRONMENT, stillToSee } from './puppet.ts';
import { AGENT } from './work-id.ts';

interface Args {
  host: string;
  is: 'on' | 'off';
  environment?: string;
}

const HOURS = 10_800;

/** Kind `deploy-agent`: has the agent of a host off, or on, and nothing else changed. */
export function agentKind(withPuppet: WithPuppet): Kind {
  return {
    offer: {
      kind: AGENT,
      summary: 'Has the agent of a host off, or on; it fails when anything else changes.',
      timeout: HOURS,
      schema: {
        type: 'object',
        properties: {
          deployment: { type: 'string', minLength: 1, maxLength: 255 },
          host: { type: 'string', minLength: 1, maxLength: 255 },
          is: { enum: ['on', 'off'] },
          environment: ENVIRONMENT,
        },
        required: ['deployment', 'host', 'is'],
        additionalProperties: false,
      },
    },
    run: (payload, ctx) =>
      withPuppet(ctx, async (parts) => {
        const args = payload.args as unknown as Args;
        const { host } = args;
        const target = await parts.target(host);
        const classified = await classify(args, target, parts);
        if (classified !== null) return { handled: true, outcome: 'failed', text: classified };
        const onLine = (text: string) => ctx.ui({ type: 'detail', target: host, text });
        const { remote, limits } = parts;
        const plan = planOf(args, { parts, target, ctx });
        return advance(plan, payload, { remote, target, limits, signal: ctx.signal, onLine });
      }),
    settled: stillToSee,
  };
}

/** Says to Foreman what the agent is to be; saying it again changes nothing. @returns what is wrong; null: nothing */
async function classify(
  { is, environment }: Args,
  target: Target,
  { classifier }: PuppetParts,
): Promise<string | null> {
  if (!isClassified(target)) return null;
  if (classifier === null)
    return `${target.name} is a host of Foreman, and d3 is not told how to reach that: set foreman.url, then retry`;
  if (environment !== undefined) await classifier.environment(target, environment);
  await classifier.agent(target, is === 'on' ? 'service' : 'none');
  return null;
}

function isClassified({ host }: Target): boolean {
  return host.foreman !== null;
}

/** One run: another one would not make it right that something else changed. */
function planOf(
  { is, environment }: Args,
  { parts, target, ctx }: { parts: PuppetParts; target: Target; ctx: PluginContext },
): PuppetPlan {
  const { programs, agentResources } = parts;
  const byServer = isClassified(target);
  return {
    rounds: 1,
    options: {
      ...(programs === undefined ? {} : { programs }),
      ...(byServer ? {} : { apply: { text: agentManifest(is) }, modules: agentModule() }),
    },
    expectation: { environment: byServer ? (environment ?? null) : null, only: agentResources },
    ending: async (verdict, report) => {
      const wrong = await wrongAgent({ is, report, agentResources }, { parts, target, ctx });
      return wrong === null ? { done: doneText(is, verdict) } : { wrong };
    },
  };
}

/** That nothing changed proves nothing where the catalog does not know the service, or wants it otherwise. */
async function wrongAgent(
  { is, report, agentResources }: { is: 'on' | 'off'; report: PuppetReport; agentResources: readonly string[] },
  { parts, target, ctx }: { parts: PuppetParts; target: Target; ctx: PluginContext },
): Promise<string | null> {
  const wanted = wantedAgent(report, agentResources);
  if (wanted === is) return null;
  const { name } = target;
  if (wanted === 'unmanaged')
    return `the catalog of ${name} (environment ${report.environment}) has none of ${agentResources.join(', ')}: assign the class d3_agent to it, then retry`;
  if (wanted !== 'unknown')
    return `the catalog of ${name} (environment ${report.environment}) wants the agent ${wanted}, not ${is}: see who sets its runmode, then retry`;
  const { output } = await parts.remote.look(target, STATE, { signal: ctx.signal });
  const isActive = output.trim();
  if (isActive === (is === 'on' ? 'active' : 'inactive')) return null;
  return `the catalog of ${name} leaves the agent as it is, and that is ${isActive === '' ? 'not known' : isActive}, not ${is}: assign the class d3_agent to it, then retry`;
}

/** For modules that do not say what they want. */
const STATE = 'systemctl is-active puppet 2>/dev/null';

function doneText(is: 'on' | 'off', { changed }: Verdict): string {
  return changed.length === 0
    ? `the agent was ${is} already, and nothing changed`
    : `the agent is ${is} now, and nothing else changed`;
}
