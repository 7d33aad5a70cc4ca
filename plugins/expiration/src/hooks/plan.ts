import { defineHook, type Proposal } from '@d3/sdk';
import type { ExpirationFacts } from '../facts.ts';
import { PLUGIN } from '../plugin.ts';
import { judge } from '../rules.ts';

/** Proposes to remove what has expired, and says of the rest of what can why it is kept. */
export default defineHook('d3:plan', ({ at, request, receipts, facts }) => {
  if (request.kind !== 'sync') return [];
  const gathered = (facts[PLUGIN] ?? null) as ExpirationFacts | null;
  return receipts.flatMap((receipt): Proposal[] => {
    const { basename, edition } = receipt;
    const verdict = judge(receipt, gathered, at);
    switch (verdict.kind) {
      case 'never':
        return [];
      case 'keep':
        return [{ kind: 'note', basename, reason: `it does not expire now: ${verdict.reason}` }];
      case 'warn': {
        const when = verdict.days === 1 ? 'in a day' : `in ${verdict.days} days`;
        return [{ kind: 'note', basename, reason: `it expires ${when}: ${verdict.reason}` }];
      }
      case 'expire': {
        const reason = `it has expired: ${verdict.reason}`;
        return [{ kind: 'uninstall', basename, reason, environment: { D3_EXPIRING_PKG: edition } }];
      }
    }
  });
});
