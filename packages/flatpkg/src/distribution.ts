import { damaged, printable, refused } from './errors.ts';
import { cleanInstallLocation } from './names.ts';
import { mustCloseIn } from './pkginfo.ts';
import { onlyChild, readXml, type XmlElement } from './xml.ts';

/** A package the Distribution speaks of: everything said of one id, put together. */
export interface PackageReference {
  /** Need not be the identifier under which the component leaves its receipt. */
  id: string;
  version: string | null;
  /** Name of the component's folder in the archive, null for a reference that names none. */
  directory: string | null;
  /** `RequireRestart`, … as written, each time it is said. */
  onConclusion: string[];
  /** Bundle ids of applications that must not be running. */
  mustClose: string[];
}

/** Something the person at the installer may choose; off macOS the default counts. */
export interface Choice {
  id: string;
  title: string | null;
  /** Chosen unless somebody says otherwise. */
  selected: boolean;
  /** True when a script decides, which is not run here: it counts as chosen. */
  conditional: boolean;
  /** Where its packages go instead of their own install location; null when it does not say. */
  location: string | null;
  /** Ids of package references. */
  packages: string[];
}

/** A range of macOS versions; null leaves that side open. */
export interface SystemRange {
  min: string | null;
  /** The first version that is too new. */
  before: string | null;
}

/** What the Distribution of a product archive says. */
export interface Distribution {
  /** As written: the key of a translation where the archive has them. */
  title: string | null;
  productId: string | null;
  productVersion: string | null;
  /** Processor types, null when it does not say. */
  architectures: string[] | null;
  rootVolumeOnly: boolean;
  /** Ranges of which one has to fit; empty when any version will do. */
  systems: SystemRange[];
  /** True when checks are scripts, which are not run here. */
  hasScriptedChecks: boolean;
  packages: PackageReference[];
  choices: Choice[];
}

const DOCUMENT = 'Distribution';

/** Reads a Distribution document. Throws FlatpkgError. */
export function readDistribution(bytes: Uint8Array): Distribution {
  const root = readXml(bytes, DOCUMENT);
  if (root.name !== 'installer-gui-script' && root.name !== 'installer-script') {
    throw damaged('DISTRIBUTION', `the root element is "${printable(root.name)}"`, DOCUMENT);
  }
  const options = root.children.filter(({ name }) => name === 'options');
  const product = onlyChild(root, 'product', DOCUMENT);
  const architectures = attributeIn(options, 'hostArchitectures');
  return {
    title: onlyChild(root, 'title', DOCUMENT)?.text.trim() || null,
    productId: product?.attributes.get('id') ?? null,
    productVersion: product?.attributes.get('version') ?? null,
    architectures: architectures?.split(',').flatMap((name) => name.trim() || []) ?? null,
    rootVolumeOnly: attributeIn(options, 'rootVolumeOnly') === 'true',
    systems: systemsOf(root),
    hasScriptedChecks: root.children.some(
      ({ name, attributes }) => (name === 'installation-check' || name === 'volume-check') && attributes.has('script'),
    ),
    packages: referencesOf(root),
    choices: choicesOf(root),
  };
}

function attributeIn(elements: readonly XmlElement[], name: string): string | null {
  for (const { attributes } of elements) {
    const value = attributes.get(name);
    if (value !== undefined) return value;
  }
  return null;
}

function systemsOf(root: XmlElement): SystemRange[] {
  return [...elementsOf(root)]
    .filter(({ name }) => name === 'os-version')
    .map(({ attributes }) => ({ min: attributes.get('min') ?? null, before: attributes.get('before') ?? null }));
}

/** The same id comes several times, each time with other attributes: they belong together. */
function referencesOf(root: XmlElement): PackageReference[] {
  const references = new Map<string, PackageReference>();
  for (const element of elementsOf(root)) {
    if (element.name !== 'pkg-ref') continue;
    const id = element.attributes.get('id') ?? '';
    if (id === '') throw damaged('DISTRIBUTION', 'refers to a package without an id', DOCUMENT);
    let reference = references.get(id);
    if (reference === undefined) {
      reference = { id, version: null, directory: null, onConclusion: [], mustClose: [] };
      references.set(id, reference);
    }
    reference.version ??= element.attributes.get('version') ?? null;
    const conclusion = element.attributes.get('onConclusion');
    if (conclusion !== undefined) reference.onConclusion.push(conclusion);
    for (const app of mustCloseIn(element)) reference.mustClose.push(app);
    const directory = directoryOf(element.text.trim(), id);
    if (directory === null) continue;
    if (reference.directory !== null && reference.directory !== directory) {
      throw damaged('DISTRIBUTION', `gives the package "${printable(id)}" two places`, DOCUMENT);
    }
    reference.directory = directory;
  }
  return [...references.values()];
}

/** `#Folder%20name.pkg`, and in old archives `file:./Folder%20name.pkg` or the plain name. */
function directoryOf(text: string, id: string): string | null {
  if (text === '') return null;
  const said = `the package "${printable(id)}"`;
  const name = text.replace(/^file:/, '').replace(/^#/, '');
  if (/^[A-Za-z][A-Za-z0-9+.-]*:/.test(name) || name.startsWith('//')) {
    throw refused('DISTRIBUTION_URL', `${said} lies outside of the archive, at "${printable(text)}"`, DOCUMENT);
  }
  const decoded = decodedPlace(name);
  const parts = decoded.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..') || decoded.startsWith('/') || decoded.includes('\0')) {
    throw damaged('DISTRIBUTION', `${said} has a place that leads out of the archive`, DOCUMENT);
  }
  return parts.join('/');
}

/** Some writers leave percent signs as they are. */
function decodedPlace(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

function choicesOf(root: XmlElement): Choice[] {
  const outlines = root.children.filter(({ name }) => name === 'choices-outline');
  const lines = new Set(
    outlines.flatMap((outline) =>
      [...elementsOf(outline)].flatMap(({ name, attributes }) =>
        name === 'line' ? (attributes.get('choice') ?? []) : [],
      ),
    ),
  );
  return root.children
    .filter(
      ({ name, attributes }) => name === 'choice' && (outlines.length === 0 || lines.has(attributes.get('id') ?? '')),
    )
    .map(choiceOf);
}

function choiceOf({ attributes, children }: XmlElement): Choice {
  const start = (attributes.get('start_selected') ?? 'true').toLowerCase();
  const conditional = (start !== 'true' && start !== 'false') || attributes.has('selected');
  const location = attributes.get('customLocation');
  if (location !== undefined && !location.startsWith('/')) {
    throw refused(
      'DISTRIBUTION_LOCATION',
      `a choice goes to "${printable(location)}", which is no absolute path`,
      DOCUMENT,
    );
  }
  return {
    id: attributes.get('id') ?? '',
    title: attributes.get('title') ?? null,
    selected: start !== 'false' || conditional,
    conditional,
    location: location === undefined ? null : cleanInstallLocation(location, DOCUMENT),
    packages: children.flatMap(({ name, attributes: inner }) => (name === 'pkg-ref' ? (inner.get('id') ?? []) : [])),
  };
}

function* elementsOf(root: XmlElement): Generator<XmlElement> {
  const waiting = [root];
  for (let element = waiting.pop(); element !== undefined; element = waiting.pop()) {
    yield element;
    // One by one: there may be more of them than a call takes arguments.
    for (const child of element.children.toReversed()) waiting.push(child);
  }
}
