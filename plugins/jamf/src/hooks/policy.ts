import { defineHook } from '@d3/sdk';

const HOUR = 3_600_000;

/** A policy is Jamf Pro's before it is d3's; one that Jamf Pro has not, or did not run, is left to whoever else has it. */
export default defineHook('d3:policy', async ({ event }, ports) => {
  const { isHere, runPolicies } = await import('../agent/agent.ts');
  if (!isHere(ports)) return { handled: false };
  const asked = /^[1-9]\d{0,8}$/.test(event) ? { id: Number(event) } : { event };
  const { state, text } = await runPolicies(asked, ports, {
    timeout: HOUR,
    signal: ports.signal,
    onLine: (line) => ports.ui({ type: 'detail', target: event, text: line }),
  });
  if (state === 'ran') return { handled: true, text };
  if (state === 'failed') return { handled: true, exit: 1, text };
  if (state === 'not-run') ports.ui({ type: 'warning', target: event, text: `Jamf Pro did not run it: ${text}` });
  return { handled: false };
});
