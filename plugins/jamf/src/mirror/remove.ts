import type { AdminPort } from '@d3/sdk';
import type { Connection } from '../connector/connection.ts';
import { deletePackage } from '../connector/packages.ts';
import type { PolicyUses } from '../connector/policies.ts';
import { packageLinks, unlink } from './links.ts';

/**
 * Why the package of an edition may not be deleted in Jamf Pro; null when it may, or when there is none.
 * @param uses which policies use what: reading that is a call for each of them
 */
export async function whyNeeded(
  edition: number,
  uses: () => Promise<PolicyUses>,
  admin: AdminPort,
): Promise<string | null> {
  const ids = await packagesOf(edition, admin);
  if (ids.length === 0) return null;
  const { packages } = await uses();
  const users = [...new Set(ids.flatMap((id) => packages.get(id) ?? []))];
  return users.length === 0 ? null : `policies of Jamf Pro install its package: ${users.join(', ')}`;
}

/** Deletes the packages of an edition in Jamf Pro, each before its link: a cut leaves what can be done again. */
export async function removePackages(edition: number, connection: Connection, admin: AdminPort): Promise<void> {
  for (const link of await packageLinks(admin)) {
    if (link.edition !== edition) continue;
    if (link.jamf !== null) await deletePackage(connection, link.jamf);
    await unlink(link, admin);
  }
}

/** Leaves the packages of an edition to Jamf Pro. */
export async function leavePackages(edition: number, admin: AdminPort): Promise<void> {
  for (const link of await packageLinks(admin)) if (link.edition === edition) await unlink(link, admin);
}

/** Whether an edition has packages there. */
export async function packagesOf(edition: number, admin: AdminPort): Promise<string[]> {
  const links = await packageLinks(admin);
  return links.flatMap((link) => (link.edition === edition && link.jamf !== null ? [link.jamf] : []));
}
