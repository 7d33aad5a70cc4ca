import type { PlanReceipt, PluginContext, RunPayload } from '@d3/sdk';
import { canExpire, type ExpirationSettings, type GatherPorts, gather, settingsHere } from './gather.ts';
import { type Memory, recall, remember } from './memory.ts';
import { judge, type Verdict } from './rules.ts';

type TellPorts = GatherPorts & Pick<PluginContext, 'policies' | 'receipts' | 'clock' | 'ui'>;

/** Tells by policies what a sync has removed as expired, and what the next ones will. */
export async function tellAfter(run: RunPayload, ports: TellPorts): Promise<void> {
  const receipts = await ports.receipts.list();
  const removing = recall('removing', ports.state) ?? [];
  if (removing.length === 0 && !receipts.some(canExpire)) return;
  const settings = await settingsHere(ports);
  await tellOfRemoved(removing, run, receipts, settings, ports);
  await tellOfNext(receipts, settings, ports);
}

/** At least once: after a power cut in the policy it is run again. */
async function tellOfRemoved(
  removing: readonly string[],
  { outcomes }: RunPayload,
  receipts: readonly PlanReceipt[],
  { policy }: ExpirationSettings,
  ports: TellPorts,
): Promise<void> {
  if (removing.length === 0) return;
  const endOf = (edition: string) => outcomes.findLast((outcome) => outcome.edition === edition)?.status;
  const isHere = (edition: string) => receipts.some((receipt) => receipt.edition === edition);
  const gone = removing.filter((edition) => endOf(edition) !== 'interrupted' && !isHere(edition));
  if (policy !== null && gone.length > 0) {
    const ended = await ports.policies.run(policy, { D3_FINISHED_EXPIRATIONS: gone.join(' ') });
    if (ended.state === 'absent' || ended.state === 'failed')
      warn(ports, 'expiration.policy', `what expired was removed, but its policy did not do its work: ${ended.text}`);
  }
  const open = removing.filter((edition) => endOf(edition) === 'interrupted');
  remember('removing', open, ports.state);
}

/** A notice counts from when its policy has run; until then it is tried at every sync, and nothing is removed. */
async function tellOfNext(
  receipts: readonly PlanReceipt[],
  { allowed, noticePolicy }: ExpirationSettings,
  ports: TellPorts,
): Promise<void> {
  if (!allowed || noticePolicy === null) return;
  const at = ports.clock.now().toISOString();
  const expiring = receipts.filter(canExpire);
  const { facts } = await gather(expiring, at, ports);
  const judged = expiring.map((receipt) => ({ receipt, verdict: judge(receipt, facts, at) }));
  const due = judged.flatMap(({ receipt, verdict }) => (isNear(verdict) ? [{ receipt, verdict }] : []));
  const noticed: Memory['noticed'] = {};
  const untold: typeof due = [];
  for (const one of due) {
    const { basename } = one.receipt;
    const notice = facts.noticed[basename];
    const isTold = one.verdict.kind === 'expire' || one.verdict.told;
    if (isTold && notice !== undefined) noticed[basename] = notice;
    else untold.push(one);
  }
  if (untold.length > 0) {
    const ended = await ports.policies.run(noticePolicy, noticeEnvironment(untold));
    if (ended.state === 'ran')
      for (const { receipt } of untold) noticed[receipt.basename] = { edition: receipt.edition, at };
    else {
      const text = `users were not told what will be removed, so it stays: ${ended.text}`;
      warn(ports, 'expiration.noticePolicy', text);
    }
  }
  // What was used meanwhile is told of anew when its time comes again.
  remember('noticed', noticed, ports.state);
}

type Near = Extract<Verdict, { kind: 'warn' | 'expire' }>;

function isNear(verdict: Verdict): verdict is Near {
  return verdict.kind === 'warn' || verdict.kind === 'expire';
}

/** Editions, and in the same order the days each has left. */
function noticeEnvironment(untold: readonly { receipt: PlanReceipt; verdict: Near }[]): Record<string, string> {
  return {
    D3_EXPIRING_SOON: untold.map(({ receipt }) => receipt.edition).join(' '),
    D3_EXPIRING_DAYS: untold.map(({ verdict }) => String(verdict.kind === 'warn' ? verdict.days : 0)).join(' '),
  };
}

function warn({ ui }: TellPorts, target: string, text: string): void {
  ui({ type: 'warning', target, text });
}
