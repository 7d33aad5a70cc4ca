import { D3Error, type EditionPayload, type PluginContext } from '@d3/sdk';
import { isComplete, siteOf, withJamf } from '../site.ts';
import { pushEdition } from './push.ts';

export type MirrorPorts = Pick<PluginContext, 'admin' | 'settings' | 'signal' | 'ui'>;

/** Whether this site has a Jamf Pro that editions go to by themselves. */
export async function isMirrored({ settings }: Pick<MirrorPorts, 'settings'>): Promise<boolean> {
  const all = await settings.all();
  return isComplete(siteOf({}, all)) && all['jamf.mirror'] !== 'manual';
}

/** An edition that was added or edited goes to Jamf Pro; what goes wrong undoes nothing, and is done by hand later. */
export async function mirrorEdition({ id, edition }: EditionPayload, ports: MirrorPorts): Promise<void> {
  const { admin, ui } = ports;
  if (admin === null || !(await isMirrored(ports))) return;
  try {
    const found = (await admin.editions()).find((one) => one.id === id);
    if (found === undefined) return;
    const pushed = await withJamf({}, ports, (connection) => pushEdition(found, { connection, admin, ui }, false));
    for (const text of pushed.warnings) ui({ type: 'warning', target: edition, text });
    if (pushed.fate === 'gone')
      ui({ type: 'warning', target: edition, text: `its package was deleted in Jamf Pro: d3 jamf push ${edition}` });
    else if (pushed.jamf !== null)
      ui({ type: 'note', target: edition, text: `package ${pushed.jamf} of Jamf Pro: ${pushed.fate}` });
  } catch (error) {
    if (!(error instanceof D3Error)) throw error;
    ui({
      type: 'warning',
      target: edition,
      text: `it is not in Jamf Pro as it is here: ${error.message}. To go on: d3 jamf push ${edition}`,
    });
  }
}
