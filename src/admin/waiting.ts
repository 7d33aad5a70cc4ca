import type { Waiting } from '../depot/index.ts';

/** What waits, in a sentence. */
export function waitingWords({ role, missing, open }: Waiting): string {
  if (missing === 0)
    return `The new ${role} metadata has its signatures, and comes into force with what still waits for them.`;
  const ids = open.map((id) => id.slice(0, 8)).join(', ');
  const what = role === 'root' ? 'New root metadata waits' : 'What changed is not shown to machines yet: it waits';
  return `${what} for ${missing === 1 ? 'one more signature' : `${missing} more signatures`} of the ${role} keys (${ids}): d3 depot keys sign`;
}
