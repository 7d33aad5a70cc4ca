import { defineHook } from '@d3/sdk';
import { MARK, MARK_BYTES, markOf } from '../mark.ts';

/** While a deployment has the machine, its own sync has nothing to do. */
export default defineHook('d3:sync:before', async (_, { files, clock }) => {
  const mark = markOf(await files.read(MARK, MARK_BYTES), clock.now(), process.getuid?.() ?? 0);
  if (mark === null) return { kind: 'proceed', evidence: [] };
  const reason = `the deployment ${mark.deployment} has this machine until ${mark.until} at the latest`;
  return { kind: 'settle', reason, evidence: [] };
});
