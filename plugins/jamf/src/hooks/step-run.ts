import { defineHook } from '@d3/sdk';
import { KIND, runStep } from '../agent/step.ts';

export default defineHook('d3:step:run', async ({ kind, args }, ports) => {
  if (kind !== KIND) return { handled: false };
  const { signal, ui } = ports;
  return runStep({ args }, ports, { signal, onLine: (text) => ui({ type: 'detail', target: null, text }) });
});
