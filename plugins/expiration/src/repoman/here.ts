import type { Reporter } from '@d3/sdk';
import { usageFolder } from '../usage-folder.ts';
import type { FrontSource } from './front.ts';
import { MAC_PARTS, macFront } from './mac.ts';
import { PROCESS_NAME, type Watched, watch } from './watch.ts';
import { x11Here } from './x11.ts';

export interface HereOptions {
  root: string;
  user: { username: string; uid: number };
  /** Milliseconds between two writings at least. */
  every: number;
  ui: Reporter;
  signal: AbortSignal;
}

/** Records for whoever runs it, in the session it runs in. */
export async function watchHere({ root, user, every, ui, signal }: HereOptions): Promise<Watched> {
  const source: FrontSource = process.platform === 'darwin' ? macFront(MAC_PARTS) : x11Here();
  process.title = PROCESS_NAME;
  const hangup = new AbortController();
  const end = () => hangup.abort();
  // The end of a session is this signal for whatever runs in its terminal.
  process.once('SIGHUP', end);
  try {
    return await watch({
      folder: usageFolder(root, process.platform),
      user: user.username,
      uid: user.uid,
      source,
      every,
      ui,
      now: () => new Date(),
      signal: AbortSignal.any([signal, hangup.signal]),
    });
  } finally {
    process.off('SIGHUP', end);
  }
}
