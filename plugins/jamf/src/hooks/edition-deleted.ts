import { D3Error, defineHook } from '@d3/sdk';

export default defineHook('d3:edition:deleted', async ({ id, edition, keepInJss = false }, ports) => {
  const { isMirrored } = await import('../mirror/by-itself.ts');
  const { admin, ui } = ports;
  if (admin === null || !(await isMirrored(ports))) return;
  const { leavePackages, packagesOf, removePackages } = await import('../mirror/remove.ts');
  if (keepInJss) return leavePackages(id, admin);
  if ((await packagesOf(id, admin)).length === 0) return leavePackages(id, admin);
  const { withJamf } = await import('../site.ts');
  try {
    await withJamf({}, ports, (connection) => removePackages(id, connection, admin));
  } catch (error) {
    if (!(error instanceof D3Error)) throw error;
    const text = `its package is still in Jamf Pro: ${error.message}. To delete it there: d3 jamf drift --push`;
    ui({ type: 'warning', target: edition, text });
  }
});
