/** What a package of Jamf Pro might be called in d3. A guess says how sure it is, and why. */

/** `sure`: d3 knows it already. `likely`: the name is clear. `guess`: somebody has to look. */
export type Sure = 'sure' | 'likely' | 'guess';

/** A type, so that it is JSON. */
export type Proposal = {
  basename: string;
  /** Empty when nothing tells it. */
  version: string;
  /** Null: the next that is free. */
  revision: number | null;
  sure: Sure;
  why: string;
};

/** What Jamf calls a package. */
export interface Named {
  fileName: string;
  packageName: string;
}

/** What a package file says of itself. */
export interface Inside {
  /** Under which Apple's installer keeps receipts. */
  receipts: readonly string[];
  version: string | null;
}

/** What d3 has already. */
export interface Known {
  basenames: readonly string[];
  /** The basenames whose editions have an Apple package of that id. */
  ofApplePackage: ReadonlyMap<string, ReadonlySet<string>>;
}

interface Parts {
  words: string[];
  version: string;
  revision: number | null;
  /** What makes the version doubtful; empty when nothing does. */
  doubts: string[];
}

const ENDING = /\.(?:pkg|mpkg|dmg|deb|zip|iso|app|tar|gz|tgz|xz|bz2)$/i;
/** A version as nearly everybody writes it. */
const DOTTED = /^v?(\d+(?:\.\d+)+(?:[a-z]+\d*)*(?:[-+~][a-z]+\.?\d*)?)$/i;
const DATE = /(?<!\d)((?:19|20)\d{2})([-_.]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?!\d)/;
const PRERELEASE = /^(?:alpha|beta|rc|pre|dev|a|b)\.?\d*$/i;
const BEFORE_VERSION = /^(?:v|ver|version|release|rel|update)$/i;
/** Said of nearly every package, and no part of what it is. */
const NOISE =
  /^(?:installer|install|setup|package|pkg|dmg|final|signed|unsigned|notarized|universal|intel|silicon|apple-silicon|arm64|aarch64|x86|x64|x86_64|amd64|all|64bit|32bit|mac|(?:macos|macosx|osx)\d*|darwin|copy|new|latest|release|version|ver|v|update|build|enu|en)$/i;
const SYSTEM = /^(?:mac|macos|macosx|osx|darwin|for|min|minimum)$/i;
const MOST_BASENAME = 60;
const MOST_VERSION = 30;

/**
 * Proposes what a package is. Pure: what the names say, what d3 knows, and what the file says, where somebody looked.
 * @param inside null where nobody looked into the file
 */
export function propose(named: Named, known: Known, inside: Inside | null = null): Proposal {
  const file = partsOf(named.fileName);
  const record = partsOf(named.packageName);
  const why: string[] = [];
  const byReceipt = knownByReceipt(inside, known);
  const guessed = basenameOf(file) || basenameOf(record);
  const kin = known.basenames.find((one) => bare(one) === bare(guessed) && guessed !== '');
  const basename = byReceipt.only ?? kin ?? guessed;
  const clear = byReceipt.only !== null || (kin !== undefined && byReceipt.several.length === 0);
  if (byReceipt.only !== null) why.push(`d3 knows its Apple package ${byReceipt.id} as ${byReceipt.only}`);
  else if (byReceipt.several.length > 0)
    why.push(`its Apple package ${byReceipt.id} is in ${byReceipt.several.join(' and ')}`);
  else if (kin !== undefined) why.push(`d3 has ${kin}`);
  else if (basename === '') why.push('nothing says what it is');

  const { version, doubts } = versionOf(file, record, inside);
  why.push(...doubts);
  const sound = version !== '' && doubts.length === 0;
  const likely = sound && basename !== '' && byReceipt.several.length === 0;
  const sure = likely ? (clear ? 'sure' : 'likely') : 'guess';
  if (why.length === 0) why.push('by its file name');
  return { basename, version, revision: version === file.version ? file.revision : null, sure, why: why.join('; ') };
}

function knownByReceipt(inside: Inside | null, { ofApplePackage }: Known) {
  const found = (inside?.receipts ?? []).flatMap((id) => {
    const basenames = [...(ofApplePackage.get(id) ?? [])];
    return basenames.length === 0 ? [] : [{ id, basenames }];
  });
  const all = [...new Set(found.flatMap(({ basenames }) => basenames))].sort();
  const id = found[0]?.id ?? '';
  return { id, only: all.length === 1 ? (all[0] as string) : null, several: all.length > 1 ? all : [] };
}

function versionOf(file: Parts, record: Parts, inside: Inside | null): { version: string; doubts: string[] } {
  const own = inside?.version ?? null;
  const said = own === null || /^0*(?:\.0*)*$/.test(own) ? '' : versionText(own);
  const named = file.version === '' ? record : file;
  if (named.version === '') {
    if (said === '') return { version: '', doubts: ['no version is in its names'] };
    return { version: said, doubts: [] };
  }
  const doubts = [...named.doubts];
  if (file.version === '') doubts.push('the version is in the package name only');
  else if (record.version !== '' && record.version !== file.version && record.doubts.length === 0)
    doubts.push(`its package name says ${record.version}`);
  // What the file says as well is no doubt any more.
  if (said === named.version) return { version: said, doubts: [] };
  if (said !== '') doubts.push(`the package itself says ${said}`);
  return { version: named.version, doubts };
}

/** Takes a name apart: what it is, and which. */
function partsOf(name: string): Parts {
  const text = withoutEndings(plain(name));
  const debian = /^([a-z0-9][a-z0-9.+-]*)_([^_\s]+)_(?:amd64|arm64|all|i386|armhf)$/.exec(text);
  if (debian !== null && /\.deb$/i.test(name.trim()))
    return { words: [debian[1] as string], version: versionText(debian[2] as string), revision: null, doubts: [] };
  const date = dateIn(text);
  const undated = date === null ? text : text.replace(date.written, ' ');
  const own = /^(.*[^\d\s._-])[-_ ](\d+(?:\.\d+)+)-(\d{1,3})$/.exec(undated);
  if (own !== null && date === null)
    return { words: wordsOf(own[1] as string), version: own[2] as string, revision: Number(own[3]), doubts: [] };
  return numbered(splitWords(undated), date?.text ?? null);
}

/** A day, as a version that sorts. */
function dateIn(text: string): { written: string; text: string } | null {
  const found = DATE.exec(text);
  // Within a longer version it is a part of that: 1.20240115.3.
  if (
    found === null ||
    /\d\.$/.test(text.slice(0, found.index)) ||
    /^\.\d/.test(text.slice(found.index + found[0].length))
  )
    return null;
  const [written, year, , month, day] = found;
  return { written, text: `${year}.${month}.${day}` };
}

function numbered(words: string[], date: string | null): Parts {
  const dotted = words.flatMap((word, at) => {
    const version = at > 0 || words.length === 1 ? DOTTED.exec(word)?.[1] : undefined;
    return version === undefined || SYSTEM.test(words[at - 1] ?? '') ? [] : [{ at, version }];
  });
  const [first, ...others] = dotted;
  if (first !== undefined) {
    const next = words[first.at + 1] ?? '';
    const pre = PRERELEASE.test(next);
    const version = versionText(pre ? `${first.version}${next}` : first.version);
    const rivals = others.map((one) => one.version).filter((one) => one !== first.version);
    const doubts = rivals.length === 0 ? [] : [`${rivals.join(' and ')} might be the version too`];
    if (date !== null) doubts.push(`the date ${date} might be the version too`);
    const named = without(words, first.at, pre ? 2 : 1).filter((word, index) => !saysAgain(word, index, first));
    return { words: named, version, revision: null, doubts };
  }
  if (date !== null) return { words, version: date, revision: null, doubts: ['the version is a date'] };
  const at = words.findLastIndex(
    (word, index) => index > 0 && /^v?\d+$/i.test(word) && !SYSTEM.test(words[index - 1] as string),
  );
  if (at === -1) return { words, version: '', revision: null, doubts: [] };
  const digits = (words[at] as string).replace(/^v/i, '');
  const kind = digits.length >= 9 ? `${digits} may be a time or a build` : `${digits} may be a part of the name`;
  const marked = /^v/i.test(words[at] as string) || BEFORE_VERSION.test(words[at - 1] as string);
  return {
    words: without(words, at, 1),
    version: versionText(digits),
    revision: null,
    doubts: marked && digits.length < 9 ? [`one number, ${digits}, is all there is of a version`] : [kind],
  };
}

/** The version once more, or the build that stands behind it. */
function saysAgain(word: string, index: number, { at, version }: { at: number; version: string }): boolean {
  return DOTTED.exec(word)?.[1] === version || (index === at && /^\d{3,}$/.test(word));
}

/** Words of a name; `Firefox128.0` is two. */
function splitWords(text: string): string[] {
  return wordsOf(text).flatMap((word) => {
    const [, name, version] = /^(\p{L}[\p{L}]*)(\d+(?:\.\d+)+)$/u.exec(word) ?? [];
    return name === undefined || name.toLowerCase() === 'v' || version === undefined ? [word] : [name, version];
  });
}

function wordsOf(text: string): string[] {
  return text
    .split(/[\s_()[\]{},;]+|-(?=\P{N})|(?<=\P{N})-|-(?=\d+(?:\.\d+)+)/u)
    .map((word) => word.replaceAll(/^[.\-+~]+|[.\-+~]+$/g, ''))
    .filter((word) => word !== '');
}

function without(words: readonly string[], at: number, count: number): string[] {
  const left = [...words.slice(0, at), ...words.slice(at + count)];
  return BEFORE_VERSION.test(words[at - 1] ?? '') ? left.filter((_, index) => index !== at - 1) : left;
}

function basenameOf({ words }: Parts): string {
  const told = words.filter((word, index) => index === 0 || !(NOISE.test(word) || isOfSystem(words, index)));
  return told
    .join('-')
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9.+]+/g, '-')
    .replaceAll(/^[-.+]+/g, '')
    .slice(0, MOST_BASENAME)
    .replaceAll(/[-.+]+$/g, '');
}

/** `for macOS 14`: not what it is. */
function isOfSystem(words: readonly string[], index: number): boolean {
  const [word = '', before = ''] = [words[index], words[index - 1]];
  if (SYSTEM.test(before) && /^[\d.]+(?:\.x|\+)?$/.test(word)) return true;
  return /^for$/i.test(word) && SYSTEM.test(words[index + 1] ?? '');
}

/** As a version may be written in d3. */
function versionText(text: string): string {
  return text
    .normalize('NFKD')
    .replaceAll(/[^A-Za-z0-9._+~-]+/g, '_')
    .replaceAll(/^[^A-Za-z0-9]+/g, '')
    .slice(0, MOST_VERSION);
}

/** Names that differ in spelling only: `GoogleChrome`, `google-chrome`. */
function bare(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}

/** Without what addresses and editors put there. */
function plain(name: string): string {
  let text = name.trim();
  try {
    if (/%[0-9a-f]{2}/i.test(text)) text = decodeURIComponent(text);
  } catch {
    // It is no escape; the sign is a part of the name.
  }
  return text.normalize('NFC').replaceAll(/\p{Cc}/gu, ' ');
}

function withoutEndings(name: string): string {
  let text = name;
  while (ENDING.test(text)) text = text.replace(ENDING, '');
  return text;
}
