import { D3Error, defineHook } from '@d3/sdk';

/** What a policy of Jamf Pro installs is not deleted there. */
export default defineHook('d3:edition:delete', async ({ id, keepInJss = false }, ports) => {
  const { isMirrored } = await import('../mirror/by-itself.ts');
  const { admin } = ports;
  if (keepInJss || admin === null || !(await isMirrored(ports))) return { kind: 'proceed', evidence: [] };
  const { packagesOf, whyNeeded } = await import('../mirror/remove.ts');
  if ((await packagesOf(id, admin)).length === 0) return { kind: 'proceed', evidence: [] };
  const { withJamf } = await import('../site.ts');
  try {
    const { readPolicyUses } = await import('../connector/policies.ts');
    const why = await withJamf({}, ports, (connection) => whyNeeded(id, () => readPolicyUses(connection), admin));
    if (why === null) return { kind: 'proceed', evidence: [] };
    return { kind: 'refuse', reason: why, evidence: [], cause: 'rule' };
  } catch (error) {
    if (!(error instanceof D3Error)) throw error;
    const reason = `whether a policy of Jamf Pro needs it is not known: ${error.message}`;
    return { kind: 'refuse', reason, evidence: [], cause: 'rule' };
  }
});
