import { D3Error } from '@d3/sdk';
import {
  type InboxOutcome,
  type KnownCopy,
  type ReportsTaken,
  type SiteCopy,
  type SiteOptions,
  STATIC_DAYS,
  type Waiting,
} from '../depot/index.ts';
import { type AdminSession, localDepot } from './session.ts';

export interface PublishRequest {
  /** Absolute path of a copy to be made or renewed; null: the depot alone, and with `renew` its copies. */
  to: string | null;
  /** Sign anew what can be, whether anything changed or not. */
  renew: boolean;
  /** Give it a drop folder; one that it has stays. */
  inbox: boolean;
  /** As before for a copy that is known, where undefined. */
  graceDays: number | undefined;
  check: boolean;
}

export interface Published {
  /** When the first of what machines read at the depot itself expires, ISO 8601; null: nothing is published. */
  expires: string | null;
  /** Whether machines are shown something new. */
  isNew: boolean;
  copies: SiteCopy[];
  waiting: Waiting[];
}

const GRACE_DAYS = 7;

/** Shows machines what the depot has, and makes or renews copies of that. */
export async function publishDepot(request: PublishRequest, session: AdminSession): Promise<Published> {
  const { signal } = session;
  const depot = localDepot(session);
  const { to, renew } = request;
  const published = await depot.publish({ renew, days: STATIC_DAYS });
  const known = await depot.copies();
  const wanted = to === null ? (renew ? known : []) : [known.find((copy) => copy.to === to) ?? newCopy(to)];
  const copies: SiteCopy[] = [];
  for (const copy of wanted) {
    signal.throwIfAborted();
    copies.push(await depot.copyTo(copy.to, optionsOf(copy.options, request)));
  }
  const last = await depot.store.publication.last();
  const waiting = await depot.signing.waiting();
  return { expires: last?.expires ?? null, isNew: published !== null, copies, waiting };
}

function newCopy(to: string): Pick<KnownCopy, 'to' | 'options'> {
  return { to, options: { inbox: false, graceDays: GRACE_DAYS, check: false } };
}

function optionsOf(before: SiteOptions, { inbox, graceDays, check }: PublishRequest): SiteOptions {
  return { inbox: inbox || before.inbox, graceDays: graceDays ?? before.graceDays, check };
}

/** @throws D3Error notFound (34) */
export async function forgetCopy(to: string, session: AdminSession): Promise<void> {
  const depot = localDepot(session);
  if (await depot.forgetCopy(to)) return;
  const known = (await depot.copies()).map((copy) => copy.to);
  throw new D3Error('COPY_UNKNOWN', 'notFound', `${to} is no copy that is renewed.`, {
    target: to,
    actions: [known.length === 0 ? 'there is none' : `there are: ${known.join(', ')}`],
  });
}

export interface Collected extends ReportsTaken {
  /** Folders that were looked into. */
  folders: string[];
}

/**
 * Takes in reports of machines that reach no inbox of the depot: from drop folders, or from texts of another inventory.
 * @param folders absolute; with neither folders nor texts, those of all copies that have one
 */
export async function collectReports(
  folders: readonly string[],
  texts: readonly { file: string; text: string }[],
  session: AdminSession,
): Promise<Collected> {
  const { signal } = session;
  const depot = localDepot(session);
  const isSaid = folders.length > 0 || texts.length > 0;
  const copies = isSaid ? [] : (await depot.copies()).filter(({ options }) => options.inbox).map(({ to }) => to);
  const all = [...folders, ...copies];
  const collected: Collected = { folders: all, taken: 0, known: 0, rejected: [] };
  for (const folder of all) {
    signal.throwIfAborted();
    const { taken, rejected }: InboxOutcome = await depot.collect(folder);
    collected.taken += taken;
    collected.rejected.push(...rejected.map(({ file, why }) => ({ file: `${folder}: ${file}`, why })));
  }
  for (const { file, text } of texts) {
    const { taken, known, rejected } = await depot.collectTexts(text);
    collected.taken += taken;
    collected.known += known;
    collected.rejected.push(...rejected.map((one) => ({ file: `${file}: ${one.file}`, why: one.why })));
  }
  return collected;
}
