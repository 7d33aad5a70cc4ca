import path from 'node:path';
import { D3Error, type PluginContext } from '@d3/sdk';
import { type AgentPorts, isInsidePolicy, takeInventory } from '../agent/agent.ts';
import { RECEIPTS } from '../receipts.ts';

/** What a deployment leaves among Jamf's receipts, under the names that Patchoo gave them: smart groups made for those go on. */

type Ports = AgentPorts & Pick<PluginContext, 'files' | 'settings' | 'ui' | 'signal'>;

const HOLDING = 'patchooDeploy.holdingpattern';
const DONE = 'patchooDeploy.done';
const UPDATED = 'patchooDeploy.updated';
const SEEN = 'receipts';
const FIVE_MINUTES = 300_000;

/** Which of them are there in a state. */
function receiptsIn(state: string): string[] {
  if (state === 'holding') return [HOLDING];
  if (state === 'deployed') return [DONE];
  return state === 'released' ? [DONE, UPDATED] : [];
}

/**
 * Has exactly the receipts of a state there, and Jamf Pro take inventory when its last one had others. What is kept is what an inventory
 * has seen: one that was cut or failed is taken again the next time, one that was taken is not.
 */
export async function showState(state: string, ports: Ports): Promise<void> {
  const { files, settings, ui } = ports;
  const wanted = receiptsIn(state);
  const placeOf = (name: string) => path.posix.join(RECEIPTS, name);
  const warn = (text: string) => ui({ type: 'warning', target: 'jamf', text });
  for (const name of [HOLDING, DONE, UPDATED]) if (!wanted.includes(name)) await files.unmark(placeOf(name));
  for (const name of wanted) {
    if (!(await files.mark(placeOf(name)))) return warn(`there is no ${RECEIPTS}: smart groups do not see ${name}`);
  }
  const { value, version } = ports.state.get(SEEN) ?? { value: [], version: 0 };
  if (JSON.stringify(value) === JSON.stringify(wanted)) return;
  if ((await settings.all())['jamf.inventory'] === 'never') return;
  try {
    // A policy that waits for d3 would wait for the inventory too.
    if (await isInsidePolicy(ports)) {
      ui({ type: 'note', target: 'jamf', text: 'a policy runs: its own maintenance takes the inventory' });
      return;
    }
    const why = await takeInventory(ports, FIVE_MINUTES, ports.signal);
    if (why !== null) return warn(`Jamf Pro does not know that the deployment is ${state}: ${why}`);
    ports.state.set(SEEN, wanted, version);
  } catch (error) {
    if (!(error instanceof D3Error)) throw error;
    warn(`Jamf Pro does not know that the deployment is ${state}: ${error.message}`);
  }
}
