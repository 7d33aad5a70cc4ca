import { defineHook } from '@d3/sdk';

export default defineHook('d3:step:run', async (step, ports) => {
  if (!step.kind.startsWith('provision-')) return { handled: false };
  const [{ KINDS }, { partsOf }] = await Promise.all([import('../kinds/index.ts'), import('../parts.ts')]);
  const kind = KINDS.get(step.kind);
  return kind === undefined ? { handled: false } : kind.run(await partsOf(ports), step);
});
