import { type AdminPort, D3Error, type Json } from '@d3/sdk';
import type { Host } from '../types.ts';

const TRIES = 20;

/**
 * Changes the document of a host as it is at this moment; where somebody was faster, the change is made again on what they wrote.
 * @param change what it becomes; the very same when nothing has to be written
 */
async function changeHost(
  admin: Pick<AdminPort, 'documents'>,
  name: string,
  change: (host: Host) => Host,
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const found = await admin.documents('host').byName(name);
    if (found === null) return;
    const body = change(found.body as Host);
    if (body === found.body) return;
    try {
      await admin.documents('host').update(found.id, found.generation, { body });
      return;
    } catch (error) {
      const isOld = error instanceof D3Error && error.code === 'DOCUMENT_CONFLICT';
      if (!isOld || tries === TRIES) throw error;
    }
  }
}

/** Adds to what is known of a host; what others found out stays. */
export function keepFacts(
  admin: Pick<AdminPort, 'documents'>,
  name: string,
  facts: { [name: string]: Json },
): Promise<void> {
  return changeHost(admin, name, (host) => {
    const all = { ...host.facts, ...facts };
    return JSON.stringify(all) === JSON.stringify(host.facts) ? host : { ...host, facts: all };
  });
}
