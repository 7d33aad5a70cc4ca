import { defineHook, type GateAnswer, type Handler } from '@d3/sdk';
import { runningHere } from '../gather.ts';
import { recall, remember } from '../memory.ts';

const PROCEED: GateAnswer = { kind: 'proceed', evidence: [] };

/** Just before something expired goes: not if it has been started meanwhile. What goes is noted, so that its policy is told of it. */
const before: Handler<'d3:uninstall:before'> = async ({ basename, edition, environment }, context) => {
  if (environment['D3_EXPIRING_PKG'] !== edition) return PROCEED;
  const receipt = (await context.receipts.list()).find((candidate) => candidate.basename === basename);
  const running = await runningHere(receipt?.expirationPaths ?? [], context);
  if (running.length > 0) {
    const reason = `it had expired, but ${running.join(', ')} was started meanwhile`;
    return { kind: 'refuse', reason, cause: 'rule', evidence: [] };
  }
  const removing = recall('removing', context.state) ?? [];
  remember('removing', [...new Set([...removing, edition])], context.state);
  return PROCEED;
};

export default defineHook('d3:uninstall:before', before);
