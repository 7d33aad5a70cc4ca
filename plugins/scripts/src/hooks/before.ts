import {
  type ActionPayload,
  defineHook,
  type Evidence,
  type GateAnswer,
  type Handler,
  type PluginContext,
} from '@d3/sdk';
import { runScript } from '../script.ts';

/** The exit code with which a script says: take it as done. */
const SETTLED = 111;

/** Pre-install and pre-remove scripts: 0 goes on, 111 settles, anything else refuses. */
const before: Handler<'d3:install:before'> = async (
  payload: ActionPayload,
  context: PluginContext,
): Promise<GateAnswer> => {
  const evidence: Evidence[] = [];
  const { script, later } = payload;
  if (later !== null) {
    // Fetched now, so that the script after the work cannot be missing when its time comes.
    await context.depot.blob(later.sha256);
    evidence.push({ ran: later.sha256, outcome: 'later' });
  }
  if (script === null) return { kind: 'proceed', evidence };
  const end = await runScript(script, payload, context);
  const ran = script.sha256;
  if (end.kind === 'unreadable') {
    return { kind: 'refuse', reason: end.why, evidence: [...evidence, { ran, outcome: 'failed' }], cause: 'script' };
  }
  if (end.code === 0) return { kind: 'proceed', evidence: [...evidence, { ran, outcome: 'ok' }] };
  if (end.code === SETTLED) {
    return {
      kind: 'settle',
      reason: `${script.name} exited ${SETTLED}`,
      evidence: [...evidence, { ran, outcome: 'settled' }],
    };
  }
  const reason = `${script.name} exited ${end.code}`;
  return { kind: 'refuse', reason, evidence: [...evidence, { ran, outcome: 'refused' }], cause: 'script' };
};

export default defineHook('d3:install:before', before);
