import { D3Error, type PluginContext } from '@d3/sdk';
import { judge, type Verdict } from './said.ts';

/** Where Jamf's own program is; the link to it in /usr/local/bin may be anything. */
const JAMF = '/usr/local/jamf/bin/jamf';

export type AgentPorts = Pick<PluginContext, 'programs' | 'state' | 'processes' | 'clock'>;

const PROBE_MS = 60_000;
const VERBS = 'verbs';
/** Names of events and ids: what could be taken for another argument, or for nothing, is refused. */
const EVENT = /^[^\s-][^\p{Cc}]{0,254}$/u;

/** What is to be run: an event, or one policy by its id in Jamf Pro. */
export type Asked = { event: string } | { id: number };

function words(asked: Asked): string {
  return 'event' in asked ? `the event ${asked.event}` : `policy ${asked.id} of Jamf Pro`;
}

/** Whether Jamf's program is on this machine. */
export function isHere({ programs }: Pick<AgentPorts, 'programs'>): boolean {
  return programs.find(JAMF) !== null;
}

/**
 * Has Jamf's program run policies.
 * @param timeout milliseconds
 * @param onLine told of what it prints
 * @throws D3Error notFound where there is none, usage for what cannot be an event
 */
export async function runPolicies(
  asked: Asked,
  ports: AgentPorts,
  { timeout, signal, onLine }: { timeout: number; signal: AbortSignal; onLine?: (line: string) => void },
): Promise<Verdict> {
  await requireVerb('policy', ports);
  const args = ['policy', ...('event' in asked ? ['-event', eventOf(asked.event)] : ['-id', String(asked.id)])];
  // It is left to end by itself on a signal: a policy cut in the middle is nobody's wish.
  const request = { program: JAMF, args, timeout, signal, ...(onLine === undefined ? {} : { onLine }) };
  const { code, timedOut, stdout, stderr } = await ports.programs.run(request);
  return judge(words(asked), { code, timedOut, text: `${stdout}\n${stderr}` });
}

/** Has Jamf's program send the inventory. @returns why it did not; null when it did */
export async function takeInventory(ports: AgentPorts, timeout: number, signal: AbortSignal): Promise<string | null> {
  await requireVerb('recon', ports);
  const { code, timedOut, lastLines } = await ports.programs.run({ program: JAMF, args: ['recon'], timeout, signal });
  if (code === 0) return null;
  if (timedOut) return `jamf recon took longer than ${timeout / 60_000} minutes`;
  const last =
    lastLines
      .at(-1)
      ?.replaceAll(/\p{Cc}/gu, ' ')
      .trim()
      .slice(0, 200) ?? '';
  return `jamf recon ended with ${code ?? 'a signal'}${last === '' ? '' : `: ${last}`}`;
}

/** Whether d3 was started, however far up, by Jamf's program: a policy runs then, and waits for d3. */
export async function isInsidePolicy({ processes }: Pick<AgentPorts, 'processes'>): Promise<boolean> {
  return (await processes.startedBy()).some(({ executable, names }) => {
    return executable?.endsWith('/jamf') === true || names.includes('jamf');
  });
}

function eventOf(event: string): string {
  if (EVENT.test(event)) return event;
  throw new D3Error('JAMF_EVENT', 'usage', `${JSON.stringify(event)} cannot be an event of Jamf Pro`, {
    target: event,
    actions: ['Name an event of 1 to 255 characters on one line that begins with no hyphen.'],
  });
}

/** What this jamf can do, as it says itself; asked once for each version of it. */
async function requireVerb(verb: string, ports: AgentPorts): Promise<void> {
  const found = ports.programs.find(JAMF);
  if (found === null) {
    throw new D3Error('JAMF_ABSENT', 'notFound', 'Jamf’s program is not on this machine', {
      target: JAMF,
      actions: ['Enrol the Mac in Jamf Pro.'],
    });
  }
  const known = ports.state.get(VERBS);
  const kept = (known?.value ?? null) as { mark: string; verbs: string[] } | null;
  let verbs = kept?.mark === found.mark ? kept.verbs : null;
  if (verbs === null) {
    verbs = await verbsOf(ports);
    // Somebody else may have kept the same meanwhile, and a rehearsal keeps nothing.
    try {
      if (verbs.length > 0) ports.state.set(VERBS, { mark: found.mark, verbs }, known?.version ?? 0);
    } catch (error) {
      if (!(error instanceof D3Error)) throw error;
    }
  }
  if (verbs.includes(verb)) return;
  throw new D3Error('JAMF_VERB', 'failed', `This jamf does not say that it knows ${verb}`, {
    target: JAMF,
    actions: [`See what it knows: ${JAMF} help`],
  });
}

/** The first word of each line below the heading of its help. */
async function verbsOf({ programs }: AgentPorts): Promise<string[]> {
  const { stdout, stderr } = await programs.run({ program: JAMF, args: ['help'], timeout: PROBE_MS });
  const found = `${stdout}\n${stderr}`.matchAll(/^[ \t]+([a-z][A-Za-z]+)(?=[ \t]|$)/gm);
  return [...new Set([...found].map(([, verb = '']) => verb))].sort();
}
