import { defineHook } from '@d3/sdk';

/** On a machine that was, or is, deployed: what is known of that, as groups and policies ask for it. Nothing is fetched for it. */
export default defineHook('d3:provisioning', async ({ ask }, ports) => {
  if (ask !== 'read' || ports.admin !== null) return { handled: false };
  const { factsOf, statusOf } = await import('../status.ts');
  const status = await statusOf(ports);
  return status.state === 'idle' ? { handled: false } : factsOf(status);
});
