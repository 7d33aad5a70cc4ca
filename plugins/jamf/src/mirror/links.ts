import { type AdminPort, D3Error, type DepotDocument, type Json } from '@d3/sdk';
import type { JamfPackage } from '../connector/packages.ts';
import type { Owned } from './fields.ts';

/** What is kept of what was sent, to notice who changed it since. */
export type Seen = {
  /** As it was sent last; absent: not yet. */
  pushed?: Owned;
  /** Of the file that Jamf has whole, as it said itself. */
  sha256?: string;
  /** What Jamf had on record of that file: as long as it has just that, it is that file. Not every server makes a SHA-256. */
  record?: string;
  /** ISO 8601: when a package was about to be made; Jamf may have it since. */
  intended?: string;
};

/** What is kept of a file that Jamf has. */
export function fileSeen(jamf: JamfPackage, sha256: string): Pick<Seen, 'sha256' | 'record'> {
  return { sha256, record: recordOf(jamf) };
}

/** Whether what Jamf has on record of its file is what it had when that was known to be this very one. */
export function isKnownFile(jamf: JamfPackage, sha256: string, seen: Seen): boolean {
  return seen.sha256 === sha256 && seen.record === recordOf(jamf);
}

function recordOf({ size, md5, sha256, sha3512, hashType, hashValue }: JamfPackage): string {
  return JSON.stringify([size, md5, sha256, sha3512, hashType, hashValue].map((one) => one ?? null));
}

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
