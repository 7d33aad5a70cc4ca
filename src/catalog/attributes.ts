import { D3Error, type ExitName } from '@d3/sdk';
import { readFirmExpiration } from './firm-expiration.ts';
import { cpuByName, osLimitProblem } from './limits.ts';
import { cleanVersion, nameKey, revisionProblem, versionProblem, wholeNumber } from './names.ts';
import type { EditionAttributes, GroupRef, ScriptSlot } from './types.ts';
import { yesOrNo } from './yes-no.ts';

/**
 * Attributes as an admin types them; every one is text, absent when it was not given.
 * Lists are comma separated; `n` or `none` clears what can be cleared.
 */
export interface TypedAttributes {
  version?: string | undefined;
  revision?: string | undefined;
  packageName?: string | undefined;
  filename?: string | undefined;
  category?: string | undefined;
  description?: string | undefined;
  oses?: string | undefined;
  cpu?: string | undefined;
  reboot?: string | undefined;
  removable?: string | undefined;
  removeFirst?: string | undefined;
  prohibitingProcesses?: string | undefined;
  autoGroups?: string | undefined;
  excludedGroups?: string | undefined;
  preInstall?: string | undefined;
  postInstall?: string | undefined;
  preRemove?: string | undefined;
  postRemove?: string | undefined;
  expiration?: string | undefined;
  expirationPaths?: string | undefined;
  firmExpiration?: string | undefined;
  packageScripts?: string | undefined;
  setuid?: string | undefined;
}

/** How an attribute is typed on the command line, for messages. */
export const ATTRIBUTE_FLAGS: Record<keyof TypedAttributes, string> = {
  version: '-v/--version',
  revision: '-r/--revision',
  packageName: '-n/--package-name',
  filename: '-f/--filename',
  category: '-C/--category',
  description: '-d/--description',
  oses: '-o/--oses',
  cpu: '-c/--cpu-type',
  reboot: '-R/--reboot',
  removable: '-u/--removable',
  removeFirst: '-F/--remove-first',
  prohibitingProcesses: '-x/--prohibiting-processes',
  autoGroups: '-g/--auto-groups',
  excludedGroups: '-G/--excluded-groups',
  preInstall: '-e/--pre-install',
  postInstall: '-t/--post-install',
  preRemove: '-E/--pre-remove',
  postRemove: '-T/--post-remove',
  expiration: '-X/--expiration',
  expirationPaths: '-P/--expiration-path',
  firmExpiration: '--firm-expiration',
  packageScripts: '--package-scripts',
  setuid: '--setuid',
};

/** A script as an admin names it: an id or a name in the depot, or the path of a file to take in; or one that is no file. */
export type ScriptReference =
  | { kind: 'document'; id: number }
  | { kind: 'file'; path: string }
  | { kind: 'text'; text: string; from: string };

/** What names can stand for; looked up by the caller beforehand, so that reading attributes stays pure. */
export interface NamesKnown {
  groups: readonly { id: number; name: string }[];
  /** What editions may be given. */
  categories: readonly string[];
  scripts: readonly { id: number; name: string }[];
  /** Whether a word is the path of a readable file. */
  isFile(path: string): boolean;
}

/** Attributes as read: only what was given. */
export interface ReadAttributes {
  version?: string;
  revision?: number;
  filename?: string;
  attributes: Partial<Omit<EditionAttributes, ScriptSlot>>;
  scripts: Partial<Record<ScriptSlot, ScriptReference | null>>;
}

export const SCRIPT_SLOTS: readonly ScriptSlot[] = ['preInstall', 'postInstall', 'preRemove', 'postRemove'];

/** Reads attributes as typed. @returns every problem at once, each naming its flag */
export function readAttributes(
  typed: TypedAttributes,
  known: NamesKnown,
): { read: ReadAttributes; problems: D3Error[] } {
  const reader = new AttributeReader(typed);
  const read: ReadAttributes = { attributes: {}, scripts: {} };
  const { attributes } = read;
  reader.take('version', (text) => {
    const version = cleanVersion(text);
    reader.check('version', versionProblem(version));
    read.version = version;
  });
  reader.take('revision', (text) => {
    reader.check('revision', revisionProblem(text));
    read.revision = Number(text);
  });
  reader.take('packageName', (text) => {
    reader.checkLine('packageName', text);
    attributes.packageName = text;
  });
  reader.take('filename', (text) => {
    const good = /^[^/\p{Cc}]{1,255}$/u.test(text) && !/^\.{1,2}$/.test(text);
    reader.check(
      'filename',
      good ? null : `file name "${text}" must be 1 to 255 characters without / and control characters`,
    );
    read.filename = text;
  });
  reader.take('category', (text) => {
    reader.checkLine('category', text);
    attributes.category = isNone(text) ? null : reader.category(text, known);
  });
  reader.take('description', (text) => {
    attributes.description = text;
  });
  reader.take('oses', (text) => {
    attributes.oses = list(text);
    for (const limit of attributes.oses) reader.check('oses', osLimitProblem(limit));
  });
  reader.take('cpu', (text) => {
    const cpu = cpuByName(text);
    reader.check(
      'cpu',
      isNone(text) || cpu !== null ? null : `"${text}" is no processor d3 knows: x86_64, arm64 or none`,
    );
    attributes.cpu = cpu;
  });
  for (const key of ['reboot', 'removable', 'removeFirst'] as const) {
    reader.take(key, (text) => {
      const answer = yesOrNo(text);
      reader.check(key, answer === null ? `"${text}" is neither yes nor no: y, yes, true, 1 or n, no, false, 0` : null);
      attributes[key] = answer ?? false;
    });
  }
  reader.take('prohibitingProcesses', (text) => {
    attributes.prohibitingProcesses = list(text);
    for (const name of attributes.prohibitingProcesses) reader.checkLine('prohibitingProcesses', name);
  });
  for (const key of ['autoGroups', 'excludedGroups'] as const) {
    reader.take(key, (text) => {
      attributes[key] = reader.groups(key, text, known);
    });
  }
  for (const slot of SCRIPT_SLOTS) {
    reader.take(slot, (text) => {
      read.scripts[slot] = isNone(text) ? null : reader.script(slot, text, known);
    });
  }
  reader.take('expiration', (text) => {
    const days = isNone(text) ? 0 : wholeNumber(text);
    reader.check(
      'expiration',
      days === null ? `expiration "${text}" must be a whole number of days, 0 for never` : null,
    );
    attributes.expiration = days ?? 0;
  });
  reader.take('expirationPaths', (text) => {
    attributes.expirationPaths = list(text);
    for (const path of attributes.expirationPaths) {
      const good = path.startsWith('/') && !/\p{Cc}/u.test(path);
      reader.check('expirationPaths', good ? null : `expiration path "${path}" must be absolute`);
    }
  });
  reader.take('firmExpiration', (text) => {
    const firm = isNone(text) ? null : readFirmExpiration(text);
    reader.check(
      'firmExpiration',
      firm === undefined ? `"${text}" must be a day such as 2027-06-30, or a number of days after the install` : null,
    );
    attributes.firmExpiration = firm ?? null;
  });
  reader.take('packageScripts', (text) => {
    const good = text === 'refuse' || text === 'ignore';
    reader.check('packageScripts', good ? null : `"${text}" must be refuse or ignore`);
    attributes.packageScripts = text === 'ignore' ? 'ignore' : 'refuse';
  });
  reader.take('setuid', (text) => {
    reader.check('setuid', text === 'drop' || text === 'keep' ? null : `"${text}" must be drop or keep`);
    attributes.setuid = text === 'keep' ? 'keep' : 'drop';
  });
  return { read, problems: reader.problems };
}

/** Rules that hold between attributes, on the edition as it would be. */
export function attributeConflicts(attributes: EditionAttributes, groupName: (id: number) => string): D3Error[] {
  const conflicts: D3Error[] = [];
  const both = attributes.autoGroups.filter((group) => attributes.excludedGroups.includes(group));
  if (both.length > 0) {
    const names = both.map((group) => (group === 'standard' ? group : groupName(group)));
    conflicts.push(
      problem('autoGroups', 'refused', 'GROUPS_OVERLAP', `no group can be both auto and excluded: ${names.join(', ')}`),
    );
  }
  if (attributes.expiration > 0 && attributes.expirationPaths.length === 0) {
    const text = `an expiration of ${attributes.expiration} days needs an expiration path to watch`;
    conflicts.push(problem('expirationPaths', 'usage', 'EXPIRATION_WITHOUT_PATH', text));
  }
  return conflicts;
}

/** A new basename's attributes before anything is set. */
export const DEFAULT_ATTRIBUTES: Omit<EditionAttributes, 'packageName'> = {
  category: null,
  description: '',
  oses: [],
  cpu: null,
  reboot: false,
  removable: true,
  removeFirst: false,
  prohibitingProcesses: [],
  autoGroups: [],
  excludedGroups: [],
  preInstall: null,
  postInstall: null,
  preRemove: null,
  postRemove: null,
  expiration: 0,
  expirationPaths: [],
  firmExpiration: null,
  packageScripts: 'refuse',
  setuid: 'drop',
  requires: [],
};

class AttributeReader {
  readonly problems: D3Error[] = [];
  readonly #typed: TypedAttributes;

  constructor(typed: TypedAttributes) {
    this.#typed = typed;
  }

  take(key: keyof TypedAttributes, read: (text: string) => void): void {
    const text = this.#typed[key];
    if (text !== undefined) read(text);
  }

  check(key: keyof TypedAttributes, wrong: string | null): void {
    if (wrong !== null) this.problems.push(problem(key, 'usage', 'ATTRIBUTE_INVALID', wrong));
  }

  checkLine(key: keyof TypedAttributes, text: string): boolean {
    const good = text.trim() !== '' && text.length <= 255 && !/\p{Cc}/u.test(text);
    this.check(key, good ? null : `"${text}" must be 1 to 255 characters on one line`);
    return good;
  }

  /** `standard` anywhere makes the list just that, for it means every machine. */
  groups(key: 'autoGroups' | 'excludedGroups', text: string, known: NamesKnown): GroupRef[] {
    const names = list(text);
    if (names.includes('standard')) {
      if (key === 'autoGroups') return ['standard'];
      this.check(key, 'standard means every machine and cannot be excluded');
      return [];
    }
    const ids = names.flatMap((name) => {
      const group = known.groups.find((candidate) => candidate.name.toLowerCase() === name.toLowerCase());
      if (group === undefined)
        this.#unknown(key, `there is no group called ${name}`, `make it: d3admin group add ${name}`);
      return group === undefined ? [] : [group.id];
    });
    return [...new Set(ids)];
  }

  category(text: string, known: NamesKnown): string {
    const key = nameKey(text);
    const found = known.categories.find((category) => nameKey(category) === key);
    if (found === undefined && text.trim() !== '')
      this.#unknown('category', `there is no category called ${text}`, `make it: d3admin category add "${text}"`);
    return found ?? text;
  }

  script(slot: ScriptSlot, text: string, known: NamesKnown): ScriptReference | null {
    const id = wholeNumber(text);
    if (id !== null) {
      if (known.scripts.some((script) => script.id === id)) return { kind: 'document', id };
      this.#unknown(slot, `there is no script with id ${text}`, 'see d3admin script list');
      return null;
    }
    if (known.isFile(text)) return { kind: 'file', path: text };
    const named = known.scripts.find((script) => script.name.toLowerCase() === text.toLowerCase());
    if (named !== undefined) return { kind: 'document', id: named.id };
    this.#unknown(slot, `there is neither a file nor a script called ${text}`, 'see d3admin script list');
    return null;
  }

  #unknown(key: keyof TypedAttributes, text: string, action: string): void {
    this.problems.push(problem(key, 'notFound', 'NAME_UNKNOWN', text, [action]));
  }
}

function problem(
  key: keyof TypedAttributes,
  exit: ExitName,
  code: string,
  text: string,
  actions: string[] = [],
): D3Error {
  return new D3Error(code, exit, text, { target: ATTRIBUTE_FLAGS[key], actions });
}

function isNone(text: string): boolean {
  return text === 'n' || text.toLowerCase() === 'none';
}

function list(text: string): string[] {
  if (isNone(text)) return [];
  return [...new Set(text.split(',').map((item) => item.trim()))].filter((item) => item !== '');
}
