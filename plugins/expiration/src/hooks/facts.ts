import { defineHook } from '@d3/sdk';
import { canExpire, gather, rememberSeen } from '../gather.ts';

/** What is used here and what runs, for a sync: nothing else removes what nobody uses. */
export default defineHook('d3:facts', async ({ at, request, receipts }, context) => {
  if (request.kind !== 'sync') return null;
  const expiring = receipts.filter(canExpire);
  if (expiring.length === 0) return null;
  const gathered = await gather(expiring, at, { ...context, platform: process.platform });
  rememberSeen(at, gathered, context);
  return gathered.facts;
});
