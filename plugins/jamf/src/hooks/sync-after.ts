import { D3Error, defineHook } from '@d3/sdk';

const TEN_MINUTES = 600_000;
/** Outcomes that change what an inventory would find. */
const CHANGED = new Set(['installed', 'settled', 'uninstalled', 'adopted', 'forgotten', 'deferred', 'dequeued']);

/** Jamf Pro is told of what a sync changed; a sync that changed nothing asks nothing of it. */
export default defineHook('d3:sync:after', async ({ outcomes }, ports) => {
  const { isHere, isInsidePolicy, takeInventory } = await import('../agent/agent.ts');
  if (!isHere(ports) || !outcomes.some(({ status }) => CHANGED.has(status))) return;
  if ((await ports.settings.all())['jamf.inventory'] === 'never') return;
  const warn = (text: string) => ports.ui({ type: 'warning', target: 'jamf', text });
  try {
    // A policy that waits for d3 would wait for the inventory too; it can take one when it ends.
    if (await isInsidePolicy(ports)) {
      ports.ui({ type: 'note', target: 'jamf', text: 'a policy runs: its own maintenance takes the inventory' });
      return;
    }
    const why = await takeInventory(ports, TEN_MINUTES, ports.signal);
    if (why !== null) warn(`Jamf Pro has no new inventory of this Mac: ${why}`);
  } catch (error) {
    if (!(error instanceof D3Error)) throw error;
    warn(`Jamf Pro has no new inventory of this Mac: ${error.message}`);
  }
});
