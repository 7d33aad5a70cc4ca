import { D3Error, defineHook } from '@d3/sdk';

export default defineHook('d3:step:run', async (step, ports) => {
  if (!step.kind.startsWith('provision-')) return { handled: false };
  const [{ KINDS }, { partsOf }] = await Promise.all([import('../kinds/index.ts'), import('../parts.ts')]);
  const kind = KINDS.get(step.kind);
  if (kind === undefined) return { handled: false };
  try {
    return await kind.run(await partsOf(ports), step);
  } catch (error) {
    // What is wrong, and what to do, is what whoever stands before a machine that holds has to read.
    if (!(error instanceof D3Error) || ports.signal.aborted) throw error;
    return { handled: true, outcome: 'failed', text: [error.message, ...error.actions.slice(0, 1)].join(' ') };
  }
});
