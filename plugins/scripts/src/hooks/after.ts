import { type ActionPayload, type AfterAnswer, defineHook, type PluginContext } from '@d3/sdk';
import { runScript } from '../script.ts';

/** Post-install and post-remove scripts: anything but 0 is said, and undoes nothing. */
export default defineHook(
  'd3:install:after',
  async (payload: ActionPayload, context: PluginContext): Promise<AfterAnswer> => {
    const { script } = payload;
    if (script === null) return { evidence: [], attention: null };
    const end = await runScript(script, payload, context);
    const ran = script.sha256;
    if (end.kind === 'exited' && end.code === 0) return { evidence: [{ ran, outcome: 'ok' }], attention: null };
    const attention = end.kind === 'exited' ? `${script.name} exited ${end.code}` : end.why;
    return { evidence: [{ ran, outcome: 'failed' }], attention };
  },
);
