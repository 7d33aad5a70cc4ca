import { defineHook } from '@d3/sdk';

/** What the policy installs may be queued itself: it is told of once. */
let telling = false;

export default defineHook('d3:deferred', async ({ queue }, ports) => {
  if (telling) return;
  telling = true;
  try {
    const { tellUsers } = await import('../notify.ts');
    await tellUsers(queue, ports);
  } finally {
    telling = false;
  }
});
