import { D3Error } from '@d3/sdk';
import type { Deployment } from './memory.ts';
import type { Parts } from './parts.ts';
import { holdCode } from './rules/hold.ts';
import { andThen, type Happened, noticeId, noticeOf, verdictOf, webhookAddress } from './rules/notices.ts';

/** Bytes; an address is short. */
const MOST = 4096;
/** Milliseconds for each try. */
const WITHIN = 5000;
/** Milliseconds after which somebody who could not be reached is told no more. */
const OLD = 86_400_000;

type News = Omit<Happened, 'number' | 'notice' | 'at' | 'key' | 'by' | 'missing'> &
  Partial<Pick<Happened, 'key' | 'by' | 'missing'>>;

/**
 * What happened, to be written down in the very change that makes it so: then it is told once it is so, and never without.
 * @param news `key`: by what it is known to be the same; left out: it is one of its kind since `since`
 */
export function happens(
  { ports, settings }: Pick<Parts, 'ports' | 'settings'>,
  before: Pick<Deployment, 'history'>,
  news: News,
): Pick<Deployment, 'history'> {
  const at = ports.clock.now().toISOString();
  const { key = `${news.event} ${at}`, by = null, missing = [] } = news;
  return { history: andThen(before.history, { ...news, at, key, by, missing }, settings.webhookFile !== null) };
}

/**
 * Tells the webhook what it was not told yet, in order. It takes some seconds at most and never fails a deployment: what does not come
 * through is tried again at the next occasion, for a day. A cut between the answer and its record sends the same notice again, by the same id.
 * @param last there is no next occasion
 */
export async function tellNotices(parts: Parts, run: string, { last = false } = {}): Promise<void> {
  const { memory, ports, settings } = parts;
  const open = (memory.of(run).history ?? []).filter(({ notice }) => notice === 'open');
  if (open.length === 0) return;
  let why: string | null;
  try {
    why = await sendAll(parts, run, open);
  } catch (error) {
    if (!(error instanceof D3Error)) throw error;
    why = error.message;
  }
  if (why === null) return;
  const now = ports.clock.now().getTime();
  const given = (memory.of(run).history ?? []).filter(
    ({ notice, at }) => notice === 'open' && (last || now - Date.parse(at) >= OLD),
  );
  for (const one of given) settle(parts, run, one, 'given-up');
  const text = `the webhook could not be told: ${why}`;
  if (given.length > 0) memory.warn(run, `${text}; ${given.map(({ event }) => event).join(', ')}`);
  else ports.ui({ type: 'note', target: settings.webhookFile, text });
}

/** @returns why it could not go on; null: all were told, or refused */
async function sendAll(parts: Parts, run: string, open: readonly Happened[]): Promise<string | null> {
  const { memory, ports, settings } = parts;
  const url = await addressOf(parts);
  const { serial, name, computer } = await ports.machine.facts();
  for (const one of open) {
    const { snapshot } = memory.of(run);
    const subject = { run, code: holdCode(run), serial, name, computer, values: snapshot?.values ?? {} };
    const sent = await ports.network.send({
      url: url.href,
      body: noticeOf(settings.webhookKind, one, subject),
      headers: { 'd3-notice': noticeId(run, one) },
      within: WITHIN,
      tries: 2,
    });
    if (sent.kind === 'failed') return `${url.hostname}: ${sent.why}`;
    const verdict = verdictOf(sent.status);
    if (verdict === 'again') return `${url.hostname} answers ${sent.status}`;
    if (verdict === 'refused')
      memory.warn(run, `the webhook at ${url.hostname} does not take ${one.event}: it answers ${sent.status}`);
    settle(parts, run, one, verdict === 'sent' ? 'sent' : 'given-up');
  }
  return null;
}

function settle({ memory }: Parts, run: string, { number }: Happened, notice: 'sent' | 'given-up'): void {
  memory.change(run, ({ history = [] }) => ({
    history: history.map((one) => (one.number === number ? { ...one, notice } : one)),
  }));
}

/**
 * The address of the webhook. It is read when it is needed and kept nowhere: whoever knows it can write there.
 * @throws D3Error refused for a file that others could read, usage for no address
 */
export async function addressOf({ ports, settings }: Pick<Parts, 'ports' | 'settings'>): Promise<URL> {
  const file = settings.webhookFile ?? '';
  const found = await ports.files.read(file, MOST);
  const wrong = (why: string) =>
    new D3Error('WEBHOOK', 'refused', `The address of the webhook is not taken from ${file}: ${why}.`, {
      target: 'provision.webhookFile',
      actions: [`a file of root's alone with the address on one line: chmod 600 ${file}`],
    });
  if (found === null) throw wrong('it is no plain file there');
  if (found.uid !== (process.getuid?.() ?? 0)) throw wrong('it is somebody else’s');
  if ((found.mode & 0o077) !== 0) throw wrong('others may read or change it');
  const url = webhookAddress(found.bytes.toString('utf8'));
  if (url === null) throw wrong('it has no https address in it');
  return url;
}
