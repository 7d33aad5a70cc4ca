import { defineHook } from '@d3/sdk';

export default defineHook('d3:edition:edited', async (edition, ports) => {
  const { mirrorEdition } = await import('../mirror/by-itself.ts');
  await mirrorEdition(edition, ports);
});
