import type { AfterAnswer, Evidence, ExitName, GateAnswer, PinnedScript } from '@d3/sdk';
import type { HookOutcome } from './bus.ts';

/** What a gate comes to after everybody was asked. */
export type GateVerdict =
  | { kind: 'proceed' }
  | { kind: 'settle'; reason: string }
  | { kind: 'refuse'; reason: string; exit: Extract<ExitName, 'refused' | 'scriptFailed'> };

/**
 * Core's own rule for gates: it passes only when nobody refused, nobody failed, and every script that the edition names
 * was answered for by the hash of its content. A plugin that is gone, crashes or hangs never lets anything through.
 * @param script the script of this moment; null when there is none
 * @param later the script of the moment after, which must have been taken on
 */
export function judgeGate(
  outcomes: readonly HookOutcome<GateAnswer>[],
  script: PinnedScript | null,
  later: PinnedScript | null,
): GateVerdict {
  const evidence: Evidence[] = [];
  let settled: string | null = null;
  for (const outcome of outcomes) {
    if (outcome.kind !== 'ok' && outcome.kind !== 'veto') return refusal(`${outcome.plugin}: ${outcome.why}`);
    const { answer } = outcome;
    if (answer.kind === 'refuse') return refusal(answer.reason, answer.cause === 'script' ? 'scriptFailed' : 'refused');
    evidence.push(...answer.evidence);
    if (answer.kind === 'settle') settled ??= answer.reason;
  }
  const good = settled === null ? ['ok'] : ['ok', 'settled'];
  if (script !== null && !answeredFor(script, evidence, good)) return refusal(unanswered(script));
  if (settled !== null) return { kind: 'settle', reason: settled };
  if (later !== null && !answeredFor(later, evidence, ['later'])) return refusal(unanswered(later));
  return { kind: 'proceed' };
}

/**
 * What is to be said of a receipt after the fact.
 * @returns why it needs attention, or null
 */
export function judgeAfter(outcomes: readonly HookOutcome<AfterAnswer>[], script: PinnedScript | null): string | null {
  const complaints: string[] = [];
  const evidence: Evidence[] = [];
  for (const outcome of outcomes) {
    if (outcome.kind !== 'ok' && outcome.kind !== 'veto') {
      complaints.push(`${outcome.plugin}: ${outcome.why}`);
      continue;
    }
    evidence.push(...outcome.answer.evidence);
    if (outcome.answer.attention !== null) complaints.push(outcome.answer.attention);
  }
  if (script !== null && complaints.length === 0 && !answeredFor(script, evidence, ['ok']))
    complaints.push(unanswered(script));
  return complaints.length === 0 ? null : complaints.join('; ');
}

function answeredFor({ sha256 }: PinnedScript, evidence: readonly Evidence[], outcomes: readonly string[]): boolean {
  return evidence.some(({ ran, outcome }) => ran === sha256 && outcomes.includes(outcome));
}

function unanswered({ name }: PinnedScript): string {
  return `no plugin answered for the script ${name}`;
}

function refusal(reason: string, exit: 'refused' | 'scriptFailed' = 'refused'): GateVerdict {
  return { kind: 'refuse', reason, exit };
}
