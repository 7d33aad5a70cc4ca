import { type AdminPort, D3Error, type DepotDocument, type Json } from '@d3/sdk';
import type { Hashes } from '../connector/hashes.ts';
import type { Owned } from './fields.ts';

/** What is kept of what was sent, to notice who changed it since. */
export type Seen = {
  /** As it was sent last; absent: not yet. */
  pushed?: Owned;
  /** Of the file that Jamf has whole, as it said itself. */
  sha256?: string;
  /** Every hash Jamf had of it then: not every server has a SHA-256. */
  hashes?: Hashes;
  /** ISO 8601: when a package was about to be made; Jamf may have it since. */
  intended?: string;
};

/** The link of an edition with its package. */
export interface PackageLink {
  document: DepotDocument;
  /** Jamf's id; null: it is about to be made. */
  jamf: string | null;
  edition: number | null;
  seen: Seen;
}

export function linkIn(document: DepotDocument): PackageLink {
  const { jamf, target, seen } = document.body as unknown as { jamf: string | null; target: unknown; seen: Seen };
  return { document, jamf, edition: typeof target === 'number' ? target : null, seen };
}

/** All links of packages. */
export async function packageLinks(admin: Pick<AdminPort, 'documents'>): Promise<PackageLink[]> {
  const documents = await admin.documents('jamf-link').list();
  return documents.filter(({ body }) => body['what'] === 'package').map(linkIn);
}

/** Whether a package has the file that was seen whole there. @param hashes what Jamf says now */
export function isKnownFile(seen: Seen, sha256: string, hashes: Hashes): boolean {
  if (seen.sha256 !== sha256 || seen.hashes === undefined || Object.keys(hashes).length === 0) return false;
  const all = (said: Hashes) =>
    JSON.stringify(
      Object.entries(said)
        .map(([by, values]) => [by, [...values].sort()])
        .sort(),
    );
  return all(seen.hashes) === all(hashes);
}

const bodyOf = (jamf: string | null, edition: number, name: string, seen: Seen) => ({
  schema: 'd3/jamf-link@1',
  what: 'package',
  jamf,
  target: edition,
  name,
  seen: seen as unknown as Json,
});

/** Says that a package is about to be made for an edition: before it is. @throws D3Error busy where somebody else is at it */
export async function intend(edition: number, name: string, now: Date, admin: AdminPort): Promise<PackageLink> {
  const seen: Seen = { intended: now.toISOString() };
  return guarded(name, async () =>
    linkIn(await admin.documents('jamf-link').create(`package-of-${edition}`, bodyOf(null, edition, name, seen))),
  );
}

/** Writes down what is known of the link now. @throws D3Error busy where somebody else changed it meanwhile */
export async function relink(
  link: PackageLink,
  changes: { jamf?: string; name: string; seen: Seen },
  admin: AdminPort,
): Promise<PackageLink> {
  const { document, edition } = link;
  const jamf = changes.jamf ?? link.jamf;
  const body = bodyOf(jamf, edition as number, changes.name, changes.seen);
  const name = jamf === null ? document.name : `package-${jamf}`;
  if (name === document.name && JSON.stringify(body) === JSON.stringify(document.body)) return link;
  return guarded(changes.name, async () =>
    linkIn(
      await admin.documents('jamf-link').update(document.id, document.generation, {
        body,
        ...(name === document.name ? {} : { name }),
      }),
    ),
  );
}

export async function unlink({ document }: PackageLink, admin: AdminPort): Promise<void> {
  await guarded(document.name, () => admin.documents('jamf-link').remove(document.id, document.generation));
}

async function guarded<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof D3Error) || !/^DOCUMENT_(?:CONFLICT|EXISTS|NOT_FOUND)$/.test(error.code)) throw error;
    throw new D3Error('JAMF_PUSH_BUSY', 'busy', `Somebody else is at the package ${name} at this moment`, {
      target: name,
      actions: ['Run the command again when that has ended: it goes on from there.'],
      cause: error,
    });
  }
}
