import { statSync } from 'node:fs';
import path from 'node:path';
import { D3Error, throwProblems } from '@d3/sdk';
import {
  ATTRIBUTE_FLAGS,
  attributeConflicts,
  DEFAULT_ATTRIBUTES,
  type NamesKnown,
  type ReadAttributes,
  readAttributes,
  type TypedAttributes,
} from '../catalog/attributes.ts';
import { cpuOfDebian } from '../catalog/limits.ts';

import { basenameProblem, editionString, MAX_REVISION } from '../catalog/names.ts';
import { indexCatalog, resolveTarget } from '../catalog/resolve.ts';

import type { ApplePackage, Edition, EditionAttributes, PackageFile, ScriptSlot } from '../catalog/types.ts';
import type { Preferences } from '../config/preferences.ts';
import type { PackageContents } from '../depot/contract.ts';
import { pinOf, pinScripts, riskOf } from './attributes.ts';
import { type BuildChoices, type BuildTools, buildProblems, buildToolsHere, idleBuildFlags } from './build.ts';
import { formatOf, type SourcePackage, sourcePackage, sourceProblem } from './package-file.ts';
import { type AdminSession, announce, publish } from './session.ts';
import { Surroundings } from './surroundings.ts';

export interface AddRequest {
  basename: string;
  typed: TypedAttributes;
  /** A .pkg, .deb or .dmg file or a root folder; absent: the stored file of the edition it inherits from. */
  source?: string | undefined;
  /** What the source has to be, in lower-case hex, where that is known. */
  sha256?: string | null;
  /** Scripts that are no files, by their text; they count more than those among `typed`. */
  scripts?: Partial<Record<ScriptSlot, ScriptText>>;
  /** How a package is built from a folder. */
  build?: BuildChoices;
  inherit: boolean;
  /** An edition whose record and file are taken in, archived ones too; or a package file, which is then the source. */
  importFrom?: string | undefined;
  /** What this admin usually wants. */
  usual?: Pick<Preferences, 'workspace' | 'pkgIdPrefix' | 'category' | 'signingIdentity' | 'signingOptions'>;
  /** Stand-ins for a Mac's programs. */
  tools?: BuildTools;
}

export interface ScriptText {
  text: string;
  /** Where it comes from, for its description. */
  from: string;
}

export interface Added {
  edition: Edition;
  /** The edition whose attributes it took over. */
  inheritedFrom: string | null;
  /** Set when no new file was given: the edition whose stored file it has. */
  fileFrom: string | null;
  warnings: string[];
}

/** An edition as it will be, before anything is written. */
export interface Draft {
  basename: string;
  version: string;
  revision: number;
  attributes: EditionAttributes;
  filename: string;
  read: ReadAttributes;
  previous: Edition | null;
  /** The edition whose attributes it takes over. */
  inheritedFrom: string | null;
  /** The edition whose stored file it takes; null when a source was given. */
  fileFrom: Edition | null;
  source: string | undefined;
  choices: BuildChoices;
  warnings: string[];
  groupName: (id: number) => string;
}

/** Adds a new edition as a pilot. Everything is checked before anything is written; a failed add leaves nothing. */
export async function addEdition(request: AddRequest, session: AdminSession): Promise<Added> {
  const added = await addUnpublished(request, session);
  await publish(session);
  await announce('d3:edition:added', added.edition, session);
  return added;
}

/**
 * The same where several come: whoever adds them publishes them together, and tells of them.
 * @param around what was looked up for all of them; it takes in what is added
 */
export async function addUnpublished(
  request: AddRequest,
  session: AdminSession,
  around?: Surroundings,
): Promise<Added> {
  const { draft, problems } = await draftOf(request, session, around);
  throwProblems(problems);
  const fresh = draft.fileFrom === null ? await readSource(draft, request, session) : null;
  const stored = fresh === null ? [] : [fresh.stored.sha256];
  try {
    if (fresh !== null) followFile(draft, fresh);
    const edition = await insert(request.basename, draft, fresh, session, stored);
    around?.take(edition);
    return {
      edition,
      inheritedFrom: draft.inheritedFrom,
      fileFrom: draft.fileFrom?.edition ?? null,
      warnings: [...draft.warnings, ...(fresh?.warnings ?? []), ...riskOf(edition, session.clock.now())],
    };
  } catch (error) {
    await session.depot.removeUnused(stored);
    throw error;
  }
}

/** What the file itself says: which processors it is for, and what a d3 needs to install it. */
function followFile(draft: Draft, { format, debianPackage }: SourcePackage): void {
  const { attributes, read, warnings } = draft;
  const others = attributes.requires.filter((capability) => capability !== 'deb' && capability !== 'dmg');
  attributes.requires = format === 'pkg' ? others : [...others, format];
  const wanted = debianPackage === null ? null : cpuOfDebian(debianPackage.architecture);
  if (wanted === null || wanted === undefined || wanted === attributes.cpu) return;
  const { cpu } = attributes;
  const typed = read.attributes.cpu;
  if (typed !== undefined && typed !== null) {
    const text = `the package is for ${debianPackage?.architecture} (${wanted}), not for ${typed}`;
    throw new D3Error('CPU_CONFLICT', 'refused', text, {
      target: ATTRIBUTE_FLAGS.cpu,
      actions: [`leave it out, or say ${wanted}`],
    });
  }
  attributes.cpu = wanted;
  if (cpu !== null) warnings.push(`the processor was ${cpu} and is ${wanted} now, as the package is`);
}

/** The edition comes last, so that nothing half-made can ever be installed. @param stored receives what a failure has to take back */
async function insert(
  basename: string,
  draft: Draft,
  fresh: SourcePackage | null,
  session: AdminSession,
  stored: string[],
): Promise<Edition> {
  const { depot, admin } = session;
  const file = fileOf(fresh, draft);
  const contents = fresh === null ? (draft.fileFrom as Edition).contents : await storeContents(fresh.contents, session);
  if (contents !== null) stored.push(contents);
  const scripts = await pinScripts(basename, draft.read.scripts, session);
  stored.push(...Object.values(scripts.pins).flatMap((pin) => (pin === null ? [] : [pin.sha256])));
  try {
    const { version, revision } = draft;
    const packages = applePackages(fresh, draft);
    const debianPackage = fresh === null ? draft.fileFrom?.debianPackage : (fresh.debianPackage ?? undefined);
    const added = {
      ...draft.attributes,
      ...scripts.pins,
      basename,
      version,
      revision,
      file,
      contents,
      applePackages: packages,
      ...(debianPackage === undefined ? {} : { debianPackage }),
    };
    return await depot.addEdition(added, admin);
  } catch (error) {
    await scripts.undo();
    throw error;
  }
}

async function storeContents(contents: PackageContents | null, { depot }: AdminSession): Promise<string | null> {
  return contents === null ? null : (await depot.blobs.put(Buffer.from(JSON.stringify(contents)))).sha256;
}

/** What an add would make, and all that is wrong with it; nothing is written. */
export async function draftOf(
  request: AddRequest,
  session: AdminSession,
  given?: Surroundings,
): Promise<{ draft: Draft; problems: D3Error[] }> {
  const { basename, typed, usual, tools = buildToolsHere() } = request;
  const around = given ?? (await Surroundings.of(session));
  const { all, known } = around;
  const newest = around.newestOf(basename);
  const imported = request.importFrom === undefined ? null : await imports(request, all, session);
  const source = imported?.source ?? request.source;
  const previous = imported?.record ?? newest;
  const { read, problems } = readAttributes(typed, known);
  for (const [slot, { text, from }] of Object.entries(request.scripts ?? {}) as [ScriptSlot, ScriptText][])
    read.scripts[slot] = { kind: 'text', text, from };
  problems.push(...(imported?.problems ?? []), ...sourceAndVersionProblems({ basename, typed, source }, previous));
  const choices = choicesOf(request, source, previous);
  const build = request.build ?? {};
  const building = source !== undefined && statSync(source, { throwIfNoEntry: false })?.isDirectory() === true;
  problems.push(...buildProblems(building ? choices : build, tools));
  const badBasename = basenameProblem(basename);
  if (badBasename !== null) problems.push(new D3Error('BASENAME_INVALID', 'usage', badBasename, { target: basename }));

  const version = read.version ?? previous?.version ?? '';
  const highest = await session.depot.store.editions.highestRevision(basename, version);
  const revision = read.revision ?? (highest ?? 0) + 1;
  if (revision > MAX_REVISION) problems.push(noRevisionLeft(basename, version));
  // Without a version it is nothing yet but a basename, and that is a problem of its own.
  const name = version === '' ? basename : editionString(basename, version, revision);
  const warnings: string[] = [];
  const inherits = previous !== null && (request.inherit || imported?.record !== undefined);
  const inherited = inherits
    ? await inherit(previous, known.groups, session, warnings)
    : { ...DEFAULT_ATTRIBUTES, category: usualCategory(usual?.category ?? null, known, warnings) };
  const attributes: EditionAttributes = { packageName: name, ...inherited, ...read.attributes };
  const filename = read.filename ?? `${name}.${formatFor(source, choices, building) ?? previous?.file.format ?? 'pkg'}`;
  const groupName = (id: number) => known.groups.find((group) => group.id === id)?.name ?? `group ${id}`;
  problems.push(
    ...attributeConflicts(attributes, groupName),
    ...takenNames(name, attributes.packageName, filename, around.sharing(name, attributes.packageName, filename)),
  );
  const idle = building || source === undefined ? [] : idleBuildFlags(build, formatOf(source) === 'dmg');
  if (idle.length > 0) warnings.push(`${idle.join(', ')} said nothing here: ${source} is built already`);
  const draft: Draft = {
    basename,
    version,
    revision,
    attributes,
    filename,
    read,
    previous,
    inheritedFrom: inherits ? previous.edition : null,
    fileFrom: source === undefined ? previous : null,
    source,
    choices,
    warnings,
    groupName,
  };
  return { draft, problems };
}

/** What only a file could answer. */
const OF_THE_FILE: readonly string[] = ['FIRST_EDITION', 'SOURCE_REQUIRED'];

/** What stands against each of several editions whose files are not here yet. Each has to have a version. */
export async function problemsWithoutFile(
  requests: readonly AddRequest[],
  session: AdminSession,
  given?: Surroundings,
): Promise<D3Error[][]> {
  const around = given ?? (await Surroundings.of(session));
  const found: D3Error[][] = [];
  for (const request of requests) {
    const { problems } = await draftOf(request, session, around);
    found.push(problems.filter(({ code }) => !OF_THE_FILE.includes(code)));
  }
  return found;
}

/** Admins keep a workspace, a prefix and an identity to sign with; what is said for this one package counts more. */
function choicesOf({ basename, build = {}, usual }: AddRequest, source: string | undefined, previous: Edition | null) {
  const identifier = build.packageId ?? previous?.applePackages[0]?.id ?? `${usual?.pkgIdPrefix ?? 'd3'}.${basename}`;
  const signs = build.dmg !== true && source !== undefined;
  return {
    ...build,
    packageId: identifier,
    workspace: build.workspace ?? usual?.workspace ?? undefined,
    signingIdentity: build.signingIdentity ?? (signs ? (usual?.signingIdentity ?? undefined) : undefined),
    signingOptions: build.signingOptions ?? (signs ? (usual?.signingOptions ?? undefined) : undefined),
  };
}

function formatFor(source: string | undefined, { dmg }: BuildChoices, building: boolean) {
  if (source === undefined) return null;
  return building && dmg === true ? 'dmg' : (formatOf(source) ?? 'pkg');
}

function usualCategory(category: string | null, { categories }: NamesKnown, warnings: string[]): string | null {
  if (category === null) return category;
  const found = categories.find((name) => name.toLowerCase() === category.toLowerCase());
  if (found === undefined) warnings.push(`your usual category ${category} is not in the depot: it has none`);
  return found ?? null;
}

/** A file is a source like any other; a record, by any of its names, is inherited from with its file. */
async function imports(
  { importFrom: what = '', source }: AddRequest,
  all: readonly Edition[],
  { depot }: AdminSession,
): Promise<{ source?: string | undefined; record?: Edition; problems: D3Error[] }> {
  const target = '-i/--import';
  const stat = statSync(what, { throwIfNoEntry: false });
  // A folder that only happens to be called like an edition is none that was meant.
  const isPlace = what.includes('/') || formatOf(what) !== null;
  const record = stat !== undefined && isPlace ? undefined : await recordCalled(what, all, depot);
  if (stat !== undefined && record === undefined && (stat.isDirectory() || isPlace)) {
    if (source === undefined) return { source: what, problems: [] };
    const text = `${what} is a package by itself: -s names another one`;
    return { problems: [new D3Error('IMPORT_AND_SOURCE', 'usage', text, { target, actions: ['give one of both'] })] };
  }
  if (record !== undefined) {
    const there = await depot.blobs.has(record.file.sha256);
    const gone = { ...record, status: 'missing' as const };
    return { source, record: there ? record : gone, problems: [] };
  }
  const text = `there is neither a package file nor an edition called ${what}`;
  const actions = ['see d3admin show, or d3admin show archived'];
  return { problems: [new D3Error('IMPORT_NOT_FOUND', 'notFound', text, { target, actions })] };
}

/** An edition by any of its names, archived ones too; of a basename the live one, else the newest. */
async function recordCalled(
  what: string,
  all: readonly Edition[],
  depot: AdminSession['depot'],
): Promise<Edition | undefined> {
  const archived = (await depot.store.editions.archived()).map((edition) => ({ ...edition, status: edition.status }));
  const index = indexCatalog({ schema: 'd3/catalog@1', generation: 0, editions: [...all, ...archived], groups: [] });
  const found = resolveTarget(index, what);
  if (found.kind === 'edition') return found.edition;
  return found.kind === 'basename' ? (index.liveOf(what) ?? index.ofBasename(what).at(-1)) : undefined;
}

function noRevisionLeft(basename: string, version: string): D3Error {
  const text = `${basename} ${version} has had the highest revision, ${MAX_REVISION}: there is no next one`;
  return new D3Error('REVISION_HIGHEST', 'refused', text, {
    target: '-r/--revision',
    actions: ['give a revision that is free: -r REVISION', 'or another version: -v VERSION'],
  });
}

/** What a new basename cannot do without, in one message; and a source that is not usable. */
function sourceAndVersionProblems(
  { basename, typed, source }: Pick<AddRequest, 'basename' | 'typed' | 'source'>,
  previous: Edition | null,
): D3Error[] {
  if (source !== undefined) {
    const wrong = sourceProblem(source);
    const problems = wrong === null ? [] : [wrong];
    if (previous === null && typed.version === undefined) problems.push(firstOf(basename, ['-v VERSION']));
    return problems;
  }
  if (previous === null)
    return [firstOf(basename, [...(typed.version === undefined ? ['-v VERSION'] : []), '-s SOURCE'])];
  if (previous.status !== 'missing') return [];
  const text = `${previous.edition} has no file in the depot any more to take over`;
  return [
    new D3Error('SOURCE_REQUIRED', 'usage', text, {
      target: '-s/--source-path',
      actions: ['give the package with -s SOURCE'],
    }),
  ];
}

function firstOf(basename: string, needed: string[]): D3Error {
  const text = `${basename} is new to the depot, so its first edition needs ${needed.join(' and ')}`;
  return new D3Error('FIRST_EDITION', 'usage', text, {
    target: basename,
    actions: [`for example: d3admin add ${basename} -v 1.0 -s /path/to/${basename}.pkg`],
  });
}

/** Scripts come along as they are now, not as they were pinned; groups that no longer exist are left behind and said. */
async function inherit(
  previous: Edition,
  groups: readonly { id: number }[],
  session: AdminSession,
  warnings: string[],
): Promise<Omit<EditionAttributes, 'packageName'>> {
  const attributes = Object.fromEntries(
    Object.keys(DEFAULT_ATTRIBUTES).map((key) => [key, previous[key as keyof EditionAttributes]]),
  ) as unknown as Omit<EditionAttributes, 'packageName'>;
  for (const slot of ['preInstall', 'postInstall', 'preRemove', 'postRemove'] as const) {
    const pin = attributes[slot];
    if (pin !== null) attributes[slot] = (await pinOf(pin.id, session)) ?? pin;
  }
  for (const key of ['autoGroups', 'excludedGroups'] as const) {
    const there = attributes[key].filter((ref) => ref === 'standard' || groups.some((group) => group.id === ref));
    if (there.length < attributes[key].length) warnings.push(`a deleted group was left out of ${ATTRIBUTE_FLAGS[key]}`);
    attributes[key] = there;
  }
  return attributes;
}

/** Names that other editions have already. */
export function takenNames(
  edition: string,
  packageName: string,
  filename: string,
  others: readonly Edition[],
): D3Error[] {
  const problems: D3Error[] = [];
  const taken = (code: string, target: string, text: string) =>
    problems.push(new D3Error(code, 'refused', text, { target }));
  for (const other of others) {
    if (other.edition.toLowerCase() === edition.toLowerCase()) {
      taken('EDITION_EXISTS', edition, `${other.edition} is in the depot already`);
    } else if (other.packageName === packageName) {
      taken('PACKAGE_NAME_TAKEN', ATTRIBUTE_FLAGS.packageName, `${other.edition} is called ${packageName} already`);
    } else if (other.file.name === filename) {
      taken('FILENAME_TAKEN', ATTRIBUTE_FLAGS.filename, `${other.edition} has a file called ${filename} already`);
    }
  }
  return problems;
}

function readSource(draft: Draft, { tools, sha256 }: AddRequest, session: AdminSession): Promise<SourcePackage> {
  const { basename, version, choices } = draft;
  const source = path.resolve(draft.source as string);
  const identifier = choices.packageId as string;
  const options = { source, basename, version, identifier, choices, tools: tools ?? buildToolsHere() };
  return sourcePackage({ ...options, sha256: sha256 ?? null }, session);
}

function fileOf(fresh: SourcePackage | null, draft: Draft): PackageFile {
  if (fresh === null) return { ...(draft.fileFrom as Edition).file, name: draft.filename };
  return { name: draft.filename, ...fresh.stored, format: fresh.format };
}

function applePackages(fresh: SourcePackage | null, draft: Draft): ApplePackage[] {
  return fresh?.applePackages ?? draft.fileFrom?.applePackages ?? [];
}
