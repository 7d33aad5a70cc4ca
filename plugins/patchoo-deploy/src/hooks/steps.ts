import { defineHook } from '@d3/sdk';

export default defineHook('d3:steps', async () => {
  const { KINDS } = await import('../kinds/index.ts');
  return [...KINDS.values()].map(({ offer }) => offer);
});
