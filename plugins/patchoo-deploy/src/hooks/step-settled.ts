import { defineHook } from '@d3/sdk';

export default defineHook('d3:step:settled', async (step, ports) => {
  if (!step.kind.startsWith('provision-')) return { handled: false };
  const [{ KINDS }, { partsOf }] = await Promise.all([import('../kinds/index.ts'), import('../parts.ts')]);
  const kind = KINDS.get(step.kind);
  if (kind === undefined) return { handled: false };
  if (kind.settled === undefined) return { handled: true, settled: false, text: '' };
  return kind.settled(await partsOf(ports), step);
});
