import { defineHook } from '@d3/sdk';

/** Jamf Pro knows by receipts how the deployment of a Mac stands: one inventory each time that they become others. */
export default defineHook('d3:provisioning:state', async ({ state }, ports) => {
  const { isHere } = await import('../agent/agent.ts');
  if (!isHere(ports)) return;
  const { showState } = await import('../provisioning/receipts.ts');
  await showState(state, ports);
});
