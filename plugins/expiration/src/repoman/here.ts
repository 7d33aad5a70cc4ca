import os from 'node:os';
import type { Reporter } from '@d3/sdk';
import { usageFolder } from '../usage-folder.ts';
import type { FrontSource } from './front.ts';
import { MAC_PARTS, macFront } from './mac.ts';
import { PROCESS_NAME, type Watched, watch } from './watch.ts';
import { x11Here } from './x11.ts';

export interface HereOptions {
  root: string;
  /** Milliseconds between two writings at least. */
  every: number;
  ui: Reporter;
  signal: AbortSignal;
}

/** Records for whoever runs it, in the session it runs in. */
export async function watchHere({ root, every, ui, signal }: HereOptions): Promise<Watched> {
  const source: FrontSource = process.platform === 'darwin' ? macFront(MAC_PARTS) : x11Here();
  process.title = PROCESS_NAME;
  const hangup = new AbortController();
  const end = () => hangup.abort();
  // The end of a session is this signal for whatever runs in its terminal.
  process.once('SIGHUP', end);
  try {
    return await watch({
      folder: usageFolder(root, process.platform),
      ...userHere(),
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

/** An account that has no entry has its number for a name. */
function userHere(): { user: string; uid: number } {
  const uid = process.getuid?.() ?? 0;
  try {
    return { user: os.userInfo().username, uid };
  } catch {
    return { user: String(uid), uid };
  }
}
