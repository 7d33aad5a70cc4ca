import { type AdminPort, D3Error, type DepotEdition, type Reporter } from '@d3/sdk';
import { type Connected, KNOWN_EVERYWHERE } from '../connector/connection.ts';
import {
  changePackage,
  ensurePackage,
  type JamfPackage,
  packageOfFile,
  readPackage,
  uploadPackage,
} from '../connector/packages.ts';
import { ensureRecord } from '../connector/records.ts';
import { OutcomeUnknown } from '../connector/refusal.ts';
import { differing, newPackage, type Owned, ownedBy, ownedIn } from './fields.ts';
import {
  fileSeen,
  intend,
  isKnownFile,
  linkIn,
  type PackageLink,
  packageLinks,
  relink,
  type Seen,
  unlink,
} from './links.ts';
import { toJamf } from './systems.ts';

/** What became of an edition; a type, so that it is JSON. */
export type Pushed = {
  edition: string;
  /** Jamf's id of its package; null where there is none. */
  jamf: string | null;
  /** `created`, `changed` and `same` are there now. `gone`: its package was deleted in Jamf. `skipped`: it is none for Jamf. */
  fate: 'created' | 'linked' | 'changed' | 'same' | 'gone' | 'skipped';
  /** Whether its file was sent. */
  uploaded: boolean;
  warnings: string[];
};

export interface Mirror {
  connection: Connected;
  admin: AdminPort;
  ui: Reporter;
}

const LOOK_EVERY = 5000;
/** Milliseconds that Jamf may take to take a file in. */
const PATIENCE = 30 * 60_000;

/**
 * Makes an edition a package of Jamf Pro, or what it is there as d3 has it. It goes on where a cut left it: what is to be made is
 * written down before, what was sent is looked at before it is sent again.
 * @param again whether a package that was deleted in Jamf is made anew
 */
export async function pushEdition(edition: DepotEdition, mirror: Mirror, again: boolean): Promise<Pushed> {
  const why = whyNot(edition);
  if (why !== null) return { edition: edition.edition, jamf: null, fate: 'skipped', uploaded: false, warnings: [why] };
  const links = (await packageLinks(mirror.admin)).filter((link) => link.edition === edition.id);
  const link = links.find(({ jamf }) => jamf !== null) ?? links[0] ?? null;
  const warnings = warningsOf(edition);
  // All of it on one node: what it made, another may not know for a minute.
  return mirror.connection.sequence(async (connection) => {
    const pinned = { ...mirror, connection };
    const id = link?.jamf ?? null;
    if (link !== null && id !== null) {
      const there = await soon(link, connection, () => unlessGone(readPackage(connection, id)));
      if (there !== null) return { ...(await brought(edition, link, there, pinned)), warnings };
      if (!again) return { edition: edition.edition, jamf: null, fate: 'gone', uploaded: false, warnings };
    }
    return { ...(await established(edition, link, pinned)), warnings };
  });
}

/** Looks for what may just have been made: not every node knows it at once. */
async function soon<Found>(
  { seen }: Pick<PackageLink, 'seen'>,
  { clock }: Connected,
  look: () => Promise<Found | null>,
): Promise<Found | null> {
  const end = Math.min(Date.parse(seen.intended ?? ''), clock.now()) + KNOWN_EVERYWHERE;
  for (;;) {
    const found = await look();
    if (found !== null || !(clock.now() < end)) return found;
    await clock.wait(LOOK_EVERY);
  }
}

/** Why an edition is no package for Jamf Pro; null when it is one. */
export function whyNot({ file, status }: DepotEdition): string | null {
  if (file.format === 'deb') return 'it is for Linux, which Jamf Pro does not manage';
  return status === 'missing' ? 'its file is gone from the depot' : null;
}

/** What Jamf Pro cannot say of an edition. */
function warningsOf({ oses }: DepotEdition): string[] {
  const { unsaid } = toJamf(oses);
  return unsaid.length === 0 ? [] : [`Jamf Pro has no word for the limit ${unsaid.join(', ')}: only d3 keeps to it`];
}

/** Its package is made, or the one with its very file is taken. */
async function established(
  edition: DepotEdition,
  known: PackageLink | null,
  mirror: Mirror,
): Promise<Omit<Pushed, 'warnings'>> {
  const { connection, admin } = mirror;
  const fileName = edition.file.name;
  // A cut may have come right after Jamf made it.
  const seen = known?.jamf === null ? known.seen : {};
  const there = await soon({ seen }, connection, () => packageOfFile(connection, fileName));
  refuseOther(edition, there);
  const imported = there === null ? null : await linkOfImport(edition, there, admin);
  if (there !== null && imported !== null) {
    const isImport = imported.document.body['target'] === null;
    if (!isImport) return { ...(await brought(edition, imported, there, mirror)), fate: 'linked' };
    // It came from there, and nothing there was asked to be otherwise; what d3 has no word for stays.
    const taken: Seen = { pushed: ownedIn(there), ...fileSeen(there, edition.file.sha256) };
    await relink(imported, { jamf: there.id, name: there.packageName, seen: taken }, admin);
    return { edition: edition.edition, jamf: there.id, fate: 'linked', uploaded: false };
  }
  const now = new Date(connection.clock.now());
  const intent =
    known === null
      ? await intend(edition.id, edition.packageName, now, admin)
      : await relink(known, { name: edition.packageName, seen: { ...known.seen, intended: now.toISOString() } }, admin);
  const owned = await wantedOf(edition, connection);
  const id = there?.id ?? (await made(intent, owned, mirror));
  const link = await relink(intent, { jamf: id, name: edition.packageName, seen: intent.seen }, admin);
  const done = await brought(edition, link, await readPackage(connection, id), mirror);
  return { ...done, fate: there === null ? 'created' : 'linked' };
}

/** What was refused was not made: nobody has to look for it. */
async function made(intent: PackageLink, owned: Owned, { connection, admin }: Mirror): Promise<string> {
  try {
    return await ensurePackage(connection, newPackage(owned));
  } catch (error) {
    const isRefusal =
      error instanceof D3Error && error.code !== 'JAMF_OUTCOME_UNKNOWN' && !(error instanceof OutcomeUnknown);
    if (isRefusal && intent.jamf === null) await unlink(intent, admin);
    throw error;
  }
}

/** What Jamf has of it becomes what d3 has: its fields, then its file. */
async function brought(
  edition: DepotEdition,
  link: PackageLink,
  there: JamfPackage,
  { connection, admin, ui }: Mirror,
): Promise<Omit<Pushed, 'warnings'>> {
  const { file } = edition;
  const owned = await wantedOf(edition, connection);
  const changed = differing(owned, ownedIn(there));
  if (changed.length > 0) await changePackage(connection, there.id, only(owned, changed));
  const whole =
    isKnownFile(there, file.sha256, link.seen) ||
    (there.cloudTransferStatus === 'READY' && there.sha256?.toLowerCase() === file.sha256);
  if (!whole) {
    ui({ type: 'note', target: edition.edition, text: `its file goes to Jamf Pro (${file.size} bytes)` });
    await admin.withFile(file.sha256, (path) =>
      uploadPackage(connection, there.id, { file: path, fileName: file.name, sha256: file.sha256 }, PATIENCE),
    );
  }
  const now = whole ? there : await readPackage(connection, there.id);
  await relink(link, { name: edition.packageName, seen: { pushed: owned, ...fileSeen(now, file.sha256) } }, admin);
  const fate = changed.length > 0 || !whole ? 'changed' : 'same';
  return { edition: edition.edition, jamf: there.id, fate, uploaded: !whole };
}

/** What its package is to be; its category is made in Jamf where there is none of its name. */
async function wantedOf(edition: DepotEdition, connection: Connected): Promise<Owned> {
  const { category } = edition;
  if (category === null) return ownedBy(edition, '-1');
  const { id } = await ensureRecord(connection, 'category', { name: category, priority: 9 });
  return ownedBy(edition, id);
}

function only(owned: Owned, fields: readonly (keyof Owned)[]): Partial<Owned> {
  return Object.fromEntries(fields.map((field) => [field, owned[field]]));
}

/** @throws D3Error refused for a package that has another file under the same name */
function refuseOther({ edition, file }: DepotEdition, there: JamfPackage | null): void {
  const theirs = there?.sha256?.toLowerCase();
  if (there === null || theirs === undefined || theirs === '' || theirs === file.sha256) return;
  throw new D3Error(
    'JAMF_FILE_TAKEN',
    'refused',
    `Package ${there.id} of Jamf Pro has another file called ${file.name}: ${edition} was not sent`,
    {
      target: edition,
      actions: [
        `Call the file something else: d3admin edit ${edition} --filename NAME`,
        `Or delete package ${there.id} in Jamf Pro, if nothing needs it, and push again.`,
      ],
    },
  );
}

/**
 * The link of an import of this very file that is under way, or was cut.
 * @returns null where the package has no link
 * @throws D3Error refused for a package that is another edition's
 */
async function linkOfImport(
  { id, edition, file }: DepotEdition,
  there: JamfPackage,
  admin: AdminPort,
): Promise<PackageLink | null> {
  const document = await admin.documents('jamf-link').byName(`package-${there.id}`);
  if (document === null) return null;
  const link = linkIn(document);
  // Somebody else has just made it.
  if (link.edition === id) return link;
  const { import: under } = link.seen as { import?: { sha256?: string } };
  if (link.edition === null && under?.sha256 === file.sha256) return { ...link, edition: id };
  throw new D3Error('JAMF_PACKAGE_LINKED', 'refused', `Package ${there.id} of Jamf Pro is linked to something else`, {
    target: edition,
    actions: ['See what is linked: d3 jamf drift', 'An import that was cut goes on with: d3 jamf import'],
  });
}

async function unlessGone<Result>(work: Promise<Result>): Promise<Result | null> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof D3Error && error.code === 'JAMF_NOT_FOUND') return null;
    throw error;
  }
}
