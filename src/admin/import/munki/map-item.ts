import { D3Error } from '@d3/sdk';
import type { TypedAttributes } from '../../../catalog/attributes.ts';
import type { Cpu } from '../../../catalog/types.ts';
import type { Gap, Proposal } from '../types.ts';
import { gapsIn, type MakeGap } from './gap.ts';
import { itemName, type MunkiItem } from './item.ts';
import { gapOf, typeGap } from './keys.ts';
import { basenameOf, documentName, versionOf } from './names.ts';
import { limitsBetween, osVersionProblem } from './os-limits.ts';
import { digest, listed, shortened } from './scopes.ts';
import { scriptsOf, scriptsWithoutInterpreter } from './scripts.ts';

/** What one item comes to, by itself: what others say of it comes later. */
export type Mapped =
  | { kind: 'edition'; proposal: Proposal; gaps: Gap[] }
  | { kind: 'left out'; why: string; gap: Gap | null }
  | { kind: 'wrong'; error: D3Error };

export interface MapChoices {
  /** Catalogs whose items are released. */
  released: readonly string[];
  /** Whether disk images can be opened here: only a Mac can. */
  opensImages: boolean;
}

/** The largest script a depot takes, bytes. */
const MAX_SCRIPT_BYTES = 4 * 1024 * 1024;

export function mapItem(item: MunkiItem, { released, opensImages }: MapChoices): Mapped {
  const name = itemName(item);
  const { from, installer } = item;
  const gap = gapsIn(name, from);
  const left = (key: string, what: string, why: string, todo: string): Mapped => ({
    kind: 'left out',
    why,
    gap: gap(key, what, why, todo),
  });
  if (item.catalogs.length === 0)
    return { kind: 'left out', why: 'it is in no catalog: Munki offers it to nobody', gap: null };
  if (installer.location?.split('/').includes('..') === true) return { kind: 'wrong', error: escapes(item) };
  const kind = typeGap(installer.type);
  if (kind !== null) return left('installer_type', shortened(installer.type), kind.why, kind.todo);
  const packaged = packageGap(item, opensImages);
  if (packaged !== null)
    return left('installer_item_location', shortened(installer.location ?? ''), packaged.why, packaged.todo);
  const cpu = cpuOf(item.architectures);
  if (cpu === undefined) {
    const why = 'it is for processors that no Mac of today has';
    return left('supported_architectures', listed(item.architectures), why, 'nothing');
  }
  const problems = problemsOf(item);
  const [basename, version] = [basenameOf(item.name), versionOf(item.version)];
  if (problems.length > 0 || basename === null || version === null)
    return { kind: 'wrong', error: wrong(item, problems) };
  const limits = limitsBetween(item.minimumOs, item.maximumOs);
  if (limits === null) {
    const what = `${item.minimumOs} to ${item.maximumOs}`;
    return left('maximum_os_version', what, 'no version of macOS is between the two', 'mend the pkginfo');
  }

  const gaps: Gap[] = [...namingGaps(item, basename, version, gap), ...behaviourGaps(item, gap)];
  const { attributes, gaps: expiring } = expirationOf(item, gap);
  gaps.push(
    ...expiring,
    ...item.others.map(({ key, value }) => {
      const { why, todo } = gapOf(key);
      return gap(key, shortened(typeof value === 'object' ? JSON.stringify(value) : String(value)), why, todo);
    }),
  );
  const category = item.category === '' ? null : documentName(item.category);
  if (category === null && item.category !== '')
    gaps.push(
      gap(
        'category',
        shortened(item.category),
        'a category of d3 cannot be called so',
        'give it another one: d3admin edit EDITION -C CATEGORY',
      ),
    );
  const { processes, gaps: blocking } = processesOf(item, gap);
  gaps.push(...blocking);
  const typed: TypedAttributes = {
    version,
    ...(item.displayName === '' ? {} : { packageName: packageName(item) }),
    description: descriptionOf(item),
    category: category ?? 'none',
    oses: limits.join(','),
    cpu: cpu ?? 'none',
    reboot: /Restart|Shutdown/.test(item.restartAction) ? 'y' : 'n',
    removable: item.isUninstallable ? 'y' : 'n',
    removeFirst: 'n',
    prohibitingProcesses: processes.length === 0 ? 'none' : processes.join(','),
    ...attributes,
  };
  const proposal: Proposal = {
    item: name,
    from,
    basename,
    version,
    typed,
    scripts: scriptsOf(item),
    source: sourceOf(item),
    released: item.catalogs.some((catalog) => released.includes(catalog)),
  };
  return { kind: 'edition', proposal, gaps };
}

function sourceOf({ installer }: MunkiItem): Proposal['source'] {
  const { type, location, sha256, kilobytes, packagePath, copies } = installer;
  if (type === 'nopkg' || location === null) return { kind: 'nothing' };
  const file = { location, sha256, kilobytes };
  if (type === 'copy_from_dmg')
    return {
      kind: 'image',
      ...file,
      holds: { copies: copies.map(({ source, folder, name }) => ({ source, folder, name })) },
    };
  return isImage(location) ? { kind: 'image', ...file, holds: { package: packagePath } } : { kind: 'file', ...file };
}

function isImage(location: string): boolean {
  return /\.dmg$/i.test(location);
}

/** @returns why its package cannot be taken, null when it can as far as its name says */
function packageGap(
  { installer: { type, location } }: MunkiItem,
  opensImages: boolean,
): { why: string; todo: string } | null {
  if (type === 'nopkg' || location === null) return null;
  if (type === 'copy_from_dmg' || isImage(location))
    return opensImages
      ? null
      : {
          why: 'it is in a disk image, which only a Mac can open',
          todo: 'import on a Mac (to the same depot, when it is served): it opens the image and makes a package of it',
        };
  if (/\.pkg$/i.test(location)) return null;
  if (/\.mpkg$/i.test(location))
    return {
      why: 'Macs no longer install bundle-style packages',
      todo: 'd3 pkg extract FILE.zip --to DIR, then d3 pkg build DIR, and add that',
    };
  return { why: 'it is neither a .pkg nor a .dmg', todo: 'make a flat package of it, and add that' };
}

/** @returns null for any, undefined for none of today */
function cpuOf(architectures: readonly string[]): Cpu | null | undefined {
  if (architectures.length === 0) return null;
  const [arm, intel] = [architectures.includes('arm64'), architectures.some((each) => /^(?:x86_64|amd64)$/.test(each))];
  if (arm && intel) return null;
  return arm ? 'arm64' : intel ? 'x86_64' : undefined;
}

function problemsOf(item: MunkiItem): string[] {
  const problems: string[] = [];
  if (basenameOf(item.name) === null) problems.push(`nothing of the name "${shortened(item.name)}" can be a basename`);
  if (versionOf(item.version) === null)
    problems.push(`nothing of the version "${shortened(item.version)}" can be a version`);
  for (const [key, version] of [
    ['minimum_os_version', item.minimumOs],
    ['maximum_os_version', item.maximumOs],
  ] as const) {
    const problem = version === null ? null : osVersionProblem(version);
    if (problem !== null) problems.push(`${key}: ${shortened(problem)}`);
  }
  for (const key of scriptsWithoutInterpreter(item))
    problems.push(`its ${key} does not begin with #! and its interpreter, so that it cannot be run`);
  for (const [slot, text] of Object.entries(scriptsOf(item)))
    if (Buffer.byteLength(text) > MAX_SCRIPT_BYTES) problems.push(`its scripts for ${slot} have more than 4 MiB`);
  const { sha256, location } = item.installer;
  if (sha256 !== null && !/^[0-9a-f]{64}$/.test(sha256)) problems.push('its installer_item_hash is no SHA-256');
  if (location === null && item.installer.type !== 'nopkg') problems.push('it has no installer_item_location');
  problems.push(...imageProblems(item.installer));
  return problems;
}

function imageProblems({ type, packagePath, copies }: MunkiItem['installer']): string[] {
  if (packagePath !== null && !isBelow(packagePath)) return ['its package_path leads out of the disk image'];
  if (type !== 'copy_from_dmg') return [];
  if (copies.length === 0) return ['it has no items_to_copy'];
  return copies.flatMap(({ source, folder, name }) => {
    const problems: string[] = [];
    if (!isBelow(source)) problems.push(`"${shortened(source)}" of its items_to_copy is no path within the disk image`);
    if (!folder.startsWith('/') || folder.split('/').includes('..') || ['', '.', '..'].includes(name))
      problems.push(`where "${shortened(source)}" of its items_to_copy goes is no absolute path`);
    return problems;
  });
}

function isBelow(relative: string): boolean {
  return relative !== '' && !relative.startsWith('/') && !relative.split('/').includes('..');
}

function wrong({ name, version, from }: MunkiItem, problems: readonly string[]): D3Error {
  const target = `${shortened(name)} ${shortened(version)} (${from})`;
  return new D3Error('MUNKI_ITEM', 'verificationFailed', `The item cannot be taken in: ${problems.join('; ')}.`, {
    target,
    actions: ['mend it in the repository, and import again'],
  });
}

function escapes(item: MunkiItem): D3Error {
  const text = `Its installer_item_location leads out of the repository: ${shortened(item.installer.location ?? '')}.`;
  return new D3Error('MUNKI_OUTSIDE', 'verificationFailed', text, {
    target: `${shortened(itemName(item))} (${item.from})`,
    actions: ['a repository may only name what is in it: mend it, and import again'],
  });
}

function namingGaps({ name, version }: MunkiItem, basename: string, clean: string, gap: MakeGap): Gap[] {
  const gaps: Gap[] = [];
  const why = 'basenames and versions have letters, digits and a few signs';
  if (basename !== name) gaps.push(gap('name', shortened(name), why, `it is called ${basename} in d3`));
  if (clean !== version) gaps.push(gap('version', shortened(version), why, `it is ${clean} in d3`));
  return gaps;
}

/** Where d3 does it otherwise. */
function behaviourGaps(item: MunkiItem, gap: MakeGap): Gap[] {
  const gaps: Gap[] = [];
  const { restartAction, scripts, uninstallMethod, installer } = item;
  if (restartAction === 'RequireShutdown')
    gaps.push(gap('RestartAction', restartAction, 'd3 restarts, and does not shut down', 'a restart has to do'));
  else if (restartAction !== '' && restartAction !== 'None' && !/^(?:Require|Recommend)Restart$/.test(restartAction))
    gaps.push(
      gap(
        'RestartAction',
        shortened(restartAction),
        'd3 knows restarts and no logouts: it installs at once',
        'to have it wait for a restart: d3admin edit EDITION -R y; for a program to end: -x NAME',
      ),
    );
  if (!item.isUnattended)
    gaps.push(
      gap(
        'unattended_install',
        'false',
        'Munki would have asked; d3 installs with the next sync, and asks about restarts only',
        'name what may not run meanwhile: d3admin edit EDITION -x NAME',
      ),
    );
  if (scripts.installcheck_script !== undefined)
    gaps.push(
      gap(
        'installcheck_script',
        'a script',
        'it is asked before an install (and settles it), but not at each check: what changes later is not noticed',
        'what has to be so at all times: a policy of frequency ongoing with a script step',
      ),
    );
  if (!/^(?:|none|removepackages|remove_copied_items|remove_app|uninstall_script)$/i.test(uninstallMethod))
    gaps.push(
      gap(
        'uninstall_method',
        shortened(uninstallMethod),
        'd3 removes what it installed by the manifest of its receipt',
        'if it has to do more: d3admin edit EDITION -E SCRIPT',
      ),
    );
  const owned = installer.copies.filter(({ owner, mode }) => !/^root:(?:admin|wheel)$/.test(owner) || mode !== '');
  if (owned.length > 0)
    gaps.push(
      gap(
        'items_to_copy',
        listed(owned.map(({ name, owner, mode }) => [name, owner, mode].filter((word) => word !== '').join(' '))),
        'what is copied belongs to root:wheel, with the modes it has in the image',
        'if it has to be otherwise: a post-install script (d3admin edit EDITION -b SCRIPT)',
      ),
    );
  if (installer.location !== null && installer.type !== 'nopkg' && installer.sha256 === null)
    gaps.push(
      gap(
        'installer_item_hash',
        'none',
        'nothing says what the file should be: it is taken as it is',
        'compare it with its maker’s',
      ),
    );
  return gaps;
}

/** Munki removes what nobody uses by the identifiers of applications, d3 by their paths. */
function expirationOf({ unused, applications }: MunkiItem, gap: MakeGap): { attributes: TypedAttributes; gaps: Gap[] } {
  if (unused === null) return { attributes: { expiration: '0', expirationPaths: 'none' }, gaps: [] };
  const { days, bundleIds } = unused;
  const watched = applications.filter(({ bundleId }) => bundleIds === null || bundleIds.includes(bundleId));
  const paths = watched.map(({ path }) => path).filter((path) => !path.includes(','));
  const lost = (bundleIds ?? []).filter((id) => !watched.some(({ bundleId }) => bundleId === id));
  const key = 'unused_software_removal_info';
  if (paths.length === 0 || lost.length > 0) {
    const what = `${days} days${lost.length > 0 ? `, ${listed(lost)}` : ''}`;
    const why = 'nothing says where these applications are, and d3 follows them by their paths';
    const todo = `d3admin edit EDITION -X ${days} -P /Applications/NAME.app`;
    return { attributes: { expiration: '0', expirationPaths: 'none' }, gaps: [gap(key, what, why, todo)] };
  }
  return { attributes: { expiration: String(days), expirationPaths: [...new Set(paths)].join(',') }, gaps: [] };
}

/** Munki names applications by name, file or path; without a word it means those it installs. */
function processesOf(item: MunkiItem, gap: MakeGap): { processes: string[]; gaps: Gap[] } {
  const said = item.blockingApplications ?? item.applications.map(({ path }) => path);
  const names = said.map((name) =>
    name
      .slice(name.lastIndexOf('/') + 1)
      .replace(/\.app$/i, '')
      .trim(),
  );
  const usable = (name: string) =>
    name !== '' && name.length <= 255 && !/[,\p{Cc}]/u.test(name) && !/^(?:n|none)$/i.test(name);
  const lost = said.filter((_, at) => !usable(names[at] as string));
  const gaps =
    lost.length === 0
      ? []
      : [
          gap(
            'blocking_applications',
            listed(lost),
            'd3 names processes in a list with commas',
            'nothing can be done about such names',
          ),
        ];
  return { processes: [...new Set(names.filter(usable))], gaps };
}

/** What nobody else has: Munki’s name is that of all versions. */
function packageName({ displayName, version }: MunkiItem): string {
  const name = `${displayName.replaceAll(/\p{Cc}+/gu, ' ')} ${version.replaceAll(/\p{Cc}+/gu, ' ')}`.trim();
  return name.length <= 255 ? name : `${name.slice(0, 240).toWellFormed()} ${digest(name)}`;
}

function descriptionOf({ description, notes, developer }: MunkiItem): string {
  const parts = [description, notes, developer === '' ? '' : `From ${developer}.`].filter((part) => part !== '');
  return parts.join('\n\n').slice(0, 100_000).toWellFormed();
}
