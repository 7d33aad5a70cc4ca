import { createHash } from 'node:crypto';
import { type AdminPort, D3Error, type DepotDocument, type DocumentBody } from '@d3/sdk';
import type { Links, What } from './links.ts';
import { type KindPulled, noneOf } from './result.ts';

/** A record of Jamf as the document it is to be. */
export interface Wanted {
  jamf: string;
  name: string;
  body: DocumentBody;
  /** What has to be there before the body is: a script's bytes. */
  before?: () => Promise<unknown>;
}

interface Parts {
  admin: AdminPort;
  links: Links;
  dryRun: boolean;
  /** Whether a document that is there under a name is what Jamf has, so that it may be linked; else it has to be equal. */
  isSame?: (there: DocumentBody, wanted: DocumentBody) => boolean;
}

/**
 * Makes documents of a kind what Jamf has. A link keeps what was the same on both sides last, so that it is known who changed
 * something since: what was changed here is not overwritten. What is written is written before its link, or found by its name.
 */
export async function mirrorKind(
  kind: Exclude<What, 'computer'>,
  wanted: readonly Wanted[],
  parts: Parts,
): Promise<KindPulled> {
  const { admin, links } = parts;
  const documents = new Map((await admin.documents(kind).list()).map((document) => [document.id, document]));
  const pulled = noneOf(kind);
  const here = new Set(wanted.map(({ jamf }) => jamf));
  for (const link of links.all(kind)) {
    if (here.has(link.jamf)) continue;
    pulled.gone.push(link.name);
    await links.drop(kind, link.jamf);
  }
  const taken = new Set(links.all(kind).map(({ target }) => target));
  for (const one of wanted) {
    try {
      await mirror(kind, one, documents, taken, pulled, parts);
    } catch (error) {
      if (!(error instanceof D3Error) || !/^DOCUMENT_(?:EXISTS|CONFLICT|INVALID|NOT_FOUND)$/.test(error.code))
        throw error;
      pulled.conflicts.push({ name: one.name, why: error.message });
    }
  }
  return pulled;
}

async function mirror(
  kind: Exclude<What, 'computer'>,
  wanted: Wanted,
  documents: Map<number, DepotDocument>,
  taken: Set<number | string | null>,
  pulled: KindPulled,
  { admin, links, dryRun, isSame = same }: Parts,
): Promise<void> {
  const { jamf, name, body } = wanted;
  const link = links.of(kind, jamf);
  const now = digestOf(name, body);
  const linked = async (target: number | null) => links.set({ what: kind, jamf, target, name, seen: { was: now } });
  const why = nameProblem(name);
  if (why !== null) {
    pulled.conflicts.push({ name, why });
    return;
  }
  if (link === null) {
    const there = [...documents.values()].find((one) => one.name.toLowerCase() === name.toLowerCase());
    if (there === undefined) {
      pulled.created.push(name);
      if (dryRun) return;
      await wanted.before?.();
      const made = await admin.documents(kind).create(name, body);
      documents.set(made.id, made);
      await linked(made.id);
    } else if (!taken.has(there.id) && isSame(there.body, body)) {
      pulled.adopted.push(there.name);
      taken.add(there.id);
      const seen = { was: digestOf(there.name, there.body), jamf: now };
      await links.set({ what: kind, jamf, target: there.id, name, seen });
    } else {
      const other = taken.has(there.id)
        ? 'it is linked to another record of Jamf Pro'
        : 'what is here under this name is another';
      pulled.conflicts.push({ name, why: other });
    }
    return;
  }
  const document = typeof link.target === 'number' ? documents.get(link.target) : undefined;
  // Somebody deleted it here: that stays so.
  if (document === undefined) return linked(null);
  const was = link.seen['was'];
  const hereNow = digestOf(document.name, document.body);
  if (now === hereNow) return linked(document.id);
  // Jamf has what it had: what differs was changed here, or was adopted with words of its own.
  if (link.seen['jamf'] === now || now === was) return;
  if (hereNow !== was) {
    pulled.conflicts.push({ name, why: `it was changed here and in Jamf Pro: here it stays ${document.name}` });
    return;
  }
  if (document.name !== name) pulled.renamed.push({ from: document.name, to: name });
  if (digestOf('', document.body) !== digestOf('', body)) pulled.changed.push(name);
  if (dryRun) return;
  await wanted.before?.();
  const changes = { ...(document.name === name ? {} : { name }), body };
  documents.set(document.id, await admin.documents(kind).update(document.id, document.generation, changes));
  await linked(document.id);
}

function same(there: DocumentBody, wanted: DocumentBody): boolean {
  return digestOf('', there) === digestOf('', wanted);
}

/** Of what a document says, whatever the order it says it in. */
function digestOf(name: string, body: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify([name, sorted(body)]))
    .digest('hex')
    .slice(0, 32);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).map(([key, one]) => [key, sorted(one)] as const);
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Why nothing in d3 can be called so; null when it can. */
function nameProblem(name: string): string | null {
  if (/^(?:standard|none|n)$/i.test(name)) return 'in d3 that word has a meaning of its own';
  if (/^\d+$/.test(name)) return 'in d3 a number stands for an id';
  const good = /^[^,\p{Cc}]{1,100}$/u.test(name) && name.trim() === name;
  return good ? null : 'in d3 a name is 1 to 100 characters on one line without commas';
}
