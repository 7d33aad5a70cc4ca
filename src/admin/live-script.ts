import { D3Error, type ExecPort } from '@d3/sdk';
import { wholeNumber } from '../catalog/names.ts';
import type { Edition } from '../catalog/types.ts';
import { makeLiveEnvironment } from './make-live-policies.ts';
import type { StoredScript } from './scripts.ts';
import type { AdminSession } from './session.ts';

/** Milliseconds a make-live script has. */
const TIMEOUT = 10 * 60 * 1000;

/**
 * The script that runs after an edition went live, by name or id.
 * @throws D3Error notFound `LIVE_SCRIPT` before anything is changed
 */
export async function liveScript(named: string, { depot }: AdminSession): Promise<StoredScript> {
  const scripts = depot.store.documents('script');
  const id = wholeNumber(named);
  const found = id === null ? await scripts.byName(named) : await scripts.get(id);
  if (found !== null) return found;
  throw new D3Error('LIVE_SCRIPT', 'notFound', `The make-live script ${named} is not in the depot.`, {
    target: 'live.script',
    actions: ['see the scripts: d3admin script list', 'or leave the setting live.script out'],
  });
}

/**
 * Runs it here, as whoever made the edition live. The edition is live whatever comes of it.
 * @returns what to warn of
 */
export async function runLiveScript(
  script: StoredScript,
  edition: Edition,
  exec: ExecPort,
  session: AdminSession,
): Promise<string[]> {
  const { depot, report, signal } = session;
  const environment = await makeLiveEnvironment(edition, session);
  const what = `the make-live script ${script.name}`;
  try {
    const {
      code,
      signal: by,
      timedOut,
    } = await exec.run({
      name: script.name,
      content: await depot.blobs.read(script.body.sha256),
      args: [],
      environment,
      timeout: TIMEOUT,
      signal,
      onLine: (line) => report({ type: 'detail', target: script.name, text: line }),
    });
    if (code === 0) return [];
    return [
      `${what} ${timedOut ? 'took more than ten minutes' : `ended with ${code ?? by ?? 'an unknown code'}`}; ${edition.edition} is live`,
    ];
  } catch (error) {
    return [`${what} could not be run: ${(error as Error).message}; ${edition.edition} is live`];
  }
}
