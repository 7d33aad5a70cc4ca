import { defineHook } from '@d3/sdk';

/** Every run asks what is known, so that is answered from what is kept here; Jamf Pro is asked by whoever provisions alone. */
export default defineHook('d3:provisioning', async (question, ports) => {
  if (question.ask === 'read') return (await import('../provisioning/kept.ts')).factsKept(ports);
  const { answer } = await import('../provisioning/answer.ts');
  return answer(question, ports);
});
