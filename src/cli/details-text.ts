import { firmExpirationWords } from '../catalog/firm-expiration.ts';
import type { Edition, Status } from '../catalog/types.ts';
import type { Details } from '../client/details.ts';
import { driftReason } from '../planner/drift.ts';
import type { Receipt } from '../planner/receipt.ts';
import { fields, listed } from './table-text.ts';

export interface GroupNames {
  autoGroups: string[];
  excludedGroups: string[];
}

/** An edition's attributes, a line each. */
export function editionText(edition: Omit<Edition, 'status'> & { status: Status }, groups: GroupNames): string {
  const days = edition.expiration === 0 ? 'never' : `${edition.expiration} days unused`;
  return fields([
    ['Edition', edition.edition],
    ['Id', String(edition.id)],
    ['Status', edition.status],
    ['Description', edition.description || 'none'],
    ['Added', `${edition.addedAt} by ${edition.addedBy}`],
    ['Released', edition.releasedAt === null ? 'never' : `${edition.releasedAt} by ${edition.releasedBy}`],
    ['Package name', edition.packageName],
    ['File', `${edition.file.name}, ${edition.file.size} bytes, sha256 ${edition.file.sha256}`],
    ['Category', edition.category ?? 'none'],
    ['Needs restart', yesNo(edition.reboot)],
    ['Removable', yesNo(edition.removable)],
    ['Remove first', yesNo(edition.removeFirst)],
    ['Pre-install', edition.preInstall?.name ?? 'none'],
    ['Post-install', edition.postInstall?.name ?? 'none'],
    ['Pre-remove', edition.preRemove?.name ?? 'none'],
    ['Post-remove', edition.postRemove?.name ?? 'none'],
    ['CPU', edition.cpu ?? 'any'],
    ['OS', edition.oses.length === 0 ? 'any' : edition.oses.join(', ')],
    ['Prohibiting processes', listed(edition.prohibitingProcesses)],
    ['Auto groups', listed(groups.autoGroups)],
    ['Excluded groups', listed(groups.excludedGroups)],
    ['Expires', days],
    ['Expiration paths', listed(edition.expirationPaths)],
    ['Expires for good', firmExpirationWords(edition.firmExpiration)],
    ['Setuid bits', edition.setuid === 'keep' ? 'kept' : 'dropped'],
    ['Scripts in the package', packageScripts(edition)],
    ['Apple packages', listed(edition.applePackages.map((pkg) => `${pkg.id} ${pkg.version}`))],
    ...debianFields(edition.debianPackage),
    ...(edition.debianPackage === undefined
      ? []
      : ([['Depends on', edition.debianPackage.depends || 'nothing']] as [string, string][])),
  ]);
}

/** dpkg runs them whatever is said. */
function packageScripts({ file, packageScripts: said }: Pick<Edition, 'file' | 'packageScripts'>): string {
  if (file.format === 'deb') return 'run by dpkg';
  return said === 'refuse' ? 'refused where nothing runs them' : 'ignored where nothing runs them';
}

/** A receipt, a line each. @param same how it stands to the edition shown with it */
function receiptText(receipt: Receipt, same: string, status: string): string {
  const custom = receipt.customExpiration === null ? '' : ' (custom)';
  const days = receipt.expiration === 0 ? 'never' : `${receipt.expiration} days unused${custom}`;
  return fields([
    ['Edition', receipt.edition + same],
    ['Id', String(receipt.id)],
    ['Status', status],
    ['Piloted', yesNo(receipt.piloting)],
    ['Frozen', freezeText(receipt)],
    ['Left over', leftover(receipt)],
    ['Installed', `${receipt.installedAt} by ${receipt.admin}${receipt.manual ? '' : ' (automatically)'}`],
    ['Taken as installed', receipt.settled ?? 'no'],
    ['Needs attention', receipt.attention ?? 'no'],
    ['Removable', yesNo(receipt.removable)],
    ['Prohibiting processes', listed(receipt.prohibitingProcesses)],
    ['Pre-remove', receipt.preRemove?.name ?? 'none'],
    ['Post-remove', receipt.postRemove?.name ?? 'none'],
    ['Apple packages', listed(receipt.applePackageIds ?? [])],
    ...debianFields(receipt.debianPackage),
    ['Expires', days],
    ['Expiration paths', listed(receipt.expirationPaths)],
    ['Expires for good', firmExpirationWords(receipt.firmExpiration)],
  ]);
}

function debianFields(pkg: Receipt['debianPackage']): [string, string][] {
  return pkg === undefined ? [] : [['Debian package', `${pkg.name} ${pkg.version} (${pkg.architecture})`]];
}

function freezeText({ frozen, thawed }: Receipt): string {
  if (frozen !== null) return `${frozen.at} by ${frozen.by}`;
  return thawed === undefined || thawed === null ? 'no' : `no, thawed ${thawed.at} by ${thawed.by}`;
}

function leftover({ goneSince }: Receipt): string {
  return goneSince === undefined || goneSince === null ? 'no' : `no longer in the depot, seen first at ${goneSince}`;
}

export function detailsText({ target, edition, receipt, status, queued, waiting, drift, ...groups }: Details): string {
  const parts = [
    edition === null
      ? `# ${target} in the depot: not known`
      : `# ${target} in the depot\n${editionText(edition, groups)}`,
    receipt === null
      ? `# ${target} on this machine: not installed`
      : `# ${target} on this machine\n${receiptText(receipt, edition === null ? '' : receipt.id === edition.id ? ' (the same)' : ' (another)', status ?? 'not known')}`,
  ];
  if (queued !== null)
    parts.push(
      `# ${target} waits for a restart: ${queued.edition.edition}, queued ${queued.queuedAt} by ${queued.admin}`,
    );
  if (waiting !== null)
    parts.push(`# ${target} waits for ${waiting.processes.join(', ')} to end, since ${waiting.since}`);
  if (drift !== null) parts.push(`# ${driftReason(drift).text}`);
  return parts.join('\n\n');
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no';
}
