import type { Budget } from './budget.ts';
import type { Container, Member } from './container.ts';
import type { OpenComponent, PackageContent } from './content.ts';
import { type Distribution, type PackageReference, readDistribution } from './distribution.ts';
import { damaged, printable, refused, unsupported } from './errors.ts';
import { readPackageInfo } from './pkginfo.ts';
import { type RestartAction, restartNamed, strongest } from './restart.ts';
import type { Warnings } from './warnings.ts';

const MAX_COMPONENTS = 1000;

const CONCLUSIONS = new Map<string, RestartAction>([
  ['none', 'none'],
  ['requirelogout', 'logout'],
  ['requirerestart', 'restart'],
  ['recommendrestart', 'restart'],
  ['requireshutdown', 'shutdown'],
]);

/** Reads what a flat package says of itself: PackageInfo of every component, and the Distribution. Throws FlatpkgError. */
export async function readFlat(archive: Container, budget: Budget, warnings: Warnings): Promise<PackageContent> {
  const member = archive.find('Distribution');
  if (member === null) {
    const component = await readComponent(archive, null, budget, warnings);
    if (component === null) {
      throw unsupported('NOT_A_PACKAGE', 'an archive without PackageInfo and Distribution is not an installer package');
    }
    return { kind: 'component', components: [component], distribution: null };
  }
  if (archive.find('PackageInfo') !== null) {
    throw damaged('NOT_A_PACKAGE', 'has both a Distribution and a PackageInfo at the top level');
  }
  const distribution = readDistribution(await readDocument(archive, member, budget));
  const components: OpenComponent[] = [];
  for (const { type, path } of archive.members) {
    if (type !== 'directory' || path.includes('/')) continue;
    const component = await readComponent(archive, path, budget, warnings);
    if (component !== null) components.push(component);
    if (components.length > MAX_COMPONENTS)
      throw damaged('COMPONENTS', `the package holds more than ${MAX_COMPONENTS} components`);
  }
  if (components.length === 0) throw damaged('NO_COMPONENT', 'the product archive holds no component');
  applyDistribution(distribution, components, warnings);
  return { kind: 'product', components, distribution };
}

async function readComponent(
  archive: Container,
  directory: string | null,
  budget: Budget,
  warnings: Warnings,
): Promise<OpenComponent | null> {
  const prefix = directory === null ? '' : `${directory}/`;
  const member = archive.find(`${prefix}PackageInfo`);
  if (member === null) return null;
  const info = readPackageInfo(await readDocument(archive, member, budget), member.path, warnings);
  const payload = archive.find(`${prefix}Payload`);
  const scripts = archive.find(`${prefix}Scripts`);
  return {
    info: { directory, selected: true, ...info, hasScriptsArchive: scripts !== null, hasPayload: payload !== null },
    payload,
    bom: archive.find(`${prefix}Bom`),
    scripts,
  };
}

/** All documents of a package are kept in memory, so they are counted before they are read. */
async function readDocument(archive: Container, member: Member, budget: Budget): Promise<Buffer> {
  budget.documents.addBytes(member.size, member.path);
  return archive.read(member, budget.limits.metadataBytes);
}

function applyDistribution(distribution: Distribution, components: OpenComponent[], warnings: Warnings): void {
  const parts = partsOf(distribution, components, warnings);
  const mustClose = new Map(components.map(({ info }) => [info, new Set(info.mustClose)]));
  let ofAll: RestartAction = 'none';
  for (const reference of distribution.packages) {
    const restart = restartOf(reference, warnings);
    const info = parts.get(reference.id)?.info;
    // Ids of references need not be identifiers: one that fits no component speaks of all.
    if (info === undefined) ofAll = strongest(ofAll, restart);
    else {
      info.restart = strongest(info.restart, restart);
      for (const app of reference.mustClose) mustClose.get(info)?.add(app);
    }
  }
  for (const { info } of components) {
    info.restart = strongest(info.restart, ofAll);
    info.mustClose = [...(mustClose.get(info) ?? [])];
  }
  choose(distribution, components, parts, warnings);
  if (distribution.hasScriptedChecks) {
    warnings.add('scripts', 'Distribution: decides by scripts whether it may be installed; they are not run here');
  }
}

/**
 * The component each reference stands for, by the id of the reference: the one whose folder it names; without a folder
 * the identifier has to fit. What stands for none is left out.
 */
function partsOf(
  { packages, choices }: Distribution,
  components: readonly OpenComponent[],
  warnings: Warnings,
): Map<string, OpenComponent> {
  // The document and the archive may spell the same letters in two ways.
  const byDirectory = new Map(
    components.map((component) => [component.info.directory?.normalize('NFC') ?? null, component]),
  );
  const needed = new Set(choices.flatMap((choice) => (choice.selected ? choice.packages : [])));
  // Of two with the same identifier the first counts.
  const byIdentifier = new Map(components.toReversed().map((component) => [component.info.identifier, component]));
  const parts = new Map<string, OpenComponent>();
  for (const { id, directory } of packages) {
    const component = directory === null ? byIdentifier.get(id) : byDirectory.get(directory.normalize('NFC'));
    if (component !== undefined) parts.set(id, component);
    else if (directory !== null) {
      const text = `refers to "${printable(directory)}", which is not in the archive`;
      if (choices.length === 0 || needed.has(id)) throw damaged('DISTRIBUTION', text, 'Distribution');
      warnings.add('absent', `Distribution: ${text}; nothing that is installed by default needs it`);
    }
  }
  return parts;
}

/** A Distribution may ask for more than PackageInfo does, and more than once for the same id. */
function restartOf({ onConclusion }: PackageReference, warnings: Warnings): RestartAction {
  return onConclusion
    .map((word) => restartNamed(word, CONCLUSIONS, 'Distribution', warnings))
    .reduce(strongest, 'none');
}

/** What is installed when nobody chooses: off macOS no script can say otherwise. */
function choose(
  { choices }: Distribution,
  components: readonly OpenComponent[],
  parts: ReadonlyMap<string, OpenComponent>,
  warnings: Warnings,
): void {
  if (choices.length === 0) return;
  const chosen = new Map<OpenComponent, boolean>();
  const moved = new Map<OpenComponent, string>();
  for (const choice of choices) {
    if (choice.conditional) {
      const text = `the choice "${printable(choice.id)}" depends on a script, which is not run here: it counts as made`;
      warnings.add('scripts', `Distribution: ${text}`);
    }
    for (const id of choice.packages) {
      const component = parts.get(id);
      if (component === undefined) continue;
      chosen.set(component, (chosen.get(component) ?? false) || choice.selected);
      // A choice that is not made moves nothing.
      if (choice.location === null || !choice.selected) continue;
      const before = moved.get(component);
      if (before !== undefined && before !== choice.location) {
        throw refused('DISTRIBUTION_LOCATION', `gives "${printable(id)}" two locations`, 'Distribution');
      }
      moved.set(component, choice.location);
    }
  }
  for (const component of components) {
    component.info.selected = chosen.get(component) ?? false;
    component.info.installLocation = moved.get(component) ?? component.info.installLocation;
    if (!chosen.has(component)) {
      warnings.add('choices', `${printable(component.info.directory ?? '')}: no choice installs this component`);
    }
  }
}
