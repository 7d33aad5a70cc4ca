import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { D3Error } from '@d3/sdk';
import semver from 'semver';

/** One line of the setting `plugins.allow`. */
interface AllowEntry {
  /** As it is written. */
  text: string;
  /** A name, `@scope/*`, or `*`. */
  name: string;
  range: string | null;
  /** `sha512-…`, as npm writes it. */
  integrity: string | null;
  /** Whoever holds this key must have signed for it. */
  key: KeyObject | null;
}

/** What is to be judged, as far as it is known. */
export interface Candidate {
  name: string;
  version: string;
  /** Null for a folder that is linked: what is in it may change. */
  integrity: string | null;
  /** Signatures over `NAME@VERSION:INTEGRITY`, base64, as registries keep them. */
  signatures: readonly string[];
}

/** Who may install what. `entries` null: everything is allowed. */
export interface AllowPolicy {
  entries: readonly AllowEntry[] | null;
  /** Why nothing is allowed that is not on the list, for a person. */
  because: string;
}

const NAME = /^(?:\*|@[a-z0-9~-][a-z0-9._~-]*\/(?:\*|[a-z0-9~-][a-z0-9._~-]*)|[a-z0-9~-][a-z0-9._~-]*)$/;
const SETTING = 'plugins.allow';

/**
 * Without a list everything is allowed to a person who installs for nobody else. Root installs for a whole machine, and in CI
 * nobody looks: there nothing is.
 * @param list the setting; null when it is not set
 * @throws D3Error usage (2) for an entry that is none
 */
export function allowPolicy(list: readonly string[] | null, who: { root: boolean; ci: boolean }): AllowPolicy {
  if (list !== null) return { entries: list.map(allowEntry), because: `it is not on the list ${SETTING}` };
  if (who.root) return { entries: [], because: `root installs only what the setting ${SETTING} allows` };
  if (who.ci) return { entries: [], because: `in CI only what the setting ${SETTING} allows is installed` };
  return { entries: null, because: '' };
}

/** `NAME[@RANGE] [sha512-…] [key:BASE64]`. @throws D3Error usage (2) */
function allowEntry(text: string): AllowEntry {
  const wrong = (why: string) =>
    new D3Error('CONFIG_INVALID', 'usage', `"${text}" in ${SETTING} is no entry: ${why}.`, {
      target: SETTING,
      actions: ['An entry is NAME[@RANGE], then sha512-… or key:… where they are wanted.'],
    });
  const words = text.trim().split(/\s+/);
  const integrities = words.filter((word) => word.startsWith('sha512-'));
  const keys = words.filter((word) => word.startsWith('key:'));
  const spec = words.filter((word) => !/^(?:sha512-|key:)/.test(word)).join(' ');
  const at = spec.indexOf('@', 1);
  const name = at === -1 ? spec : spec.slice(0, at);
  const range = at === -1 ? null : spec.slice(at + 1);
  if (!NAME.test(name)) throw wrong(`"${name}" is no name of a package`);
  if (range !== null && semver.validRange(range) === null) throw wrong(`"${range}" is no range of versions`);
  if (integrities.length > 1 || keys.length > 1) throw wrong('it has two contents or two keys');
  const [integrity = null] = integrities;
  if (integrity !== null && !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity)) throw wrong('its sha512 is none');
  const [named] = keys;
  const key = named === undefined ? null : publicKey(named.slice('key:'.length));
  if (named !== undefined && key === null) throw wrong('its key is none: it is the base64 of a public key (SPKI, DER)');
  return { text, name, range, integrity, key };
}

function publicKey(text: string): KeyObject | null {
  try {
    return createPublicKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'spki' });
  } catch {
    return null;
  }
}

/** Which entry lets something in (null: everything is), or why none does. Pure. */
export function judge(
  { entries, because }: AllowPolicy,
  candidate: Candidate,
): { by: string | null } | { refused: string } {
  if (entries === null) return { by: null };
  const named = entries.filter(({ name }) => isNamed(name, candidate.name));
  const against: string[] = [];
  for (const entry of named) {
    const why = mismatch(entry, candidate);
    if (why === null) return { by: entry.text };
    against.push(why);
  }
  return { refused: against.length === 0 ? because : [...new Set(against)].join('; ') };
}

function isNamed(pattern: string, name: string): boolean {
  if (pattern === '*') return true;
  return pattern.endsWith('/*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}

function mismatch({ range, integrity, key }: AllowEntry, candidate: Candidate): string | null {
  const { name, version } = candidate;
  if (range !== null && !semver.satisfies(version, range)) return `the list allows ${name} ${range}, not ${version}`;
  if (integrity !== null && candidate.integrity !== integrity) {
    return candidate.integrity === null
      ? 'the list wants a content, and a linked folder has none that stays'
      : `the list allows another content: ${integrity}`;
  }
  if (key !== null && !isSigned(candidate, key)) return 'nobody signed for it with the key the list wants';
  return null;
}

function isSigned({ name, version, integrity, signatures }: Candidate, key: KeyObject): boolean {
  if (integrity === null) return false;
  const text = Buffer.from(`${name}@${version}:${integrity}`);
  const algorithm = key.asymmetricKeyType === 'ed25519' || key.asymmetricKeyType === 'ed448' ? null : 'sha256';
  return signatures.some((signature) => {
    try {
      return verify(algorithm, text, key, Buffer.from(signature, 'base64'));
    } catch {
      return false;
    }
  });
}

/** @throws D3Error refused (30) `PLUGIN_NOT_ALLOWED` */
export function allowedBy(policy: AllowPolicy, candidate: Candidate): string | null {
  const judged = judge(policy, candidate);
  if ('by' in judged) return judged.by;
  const { name, version, integrity } = candidate;
  const pinned = [`${name}@${version}`, ...(integrity === null ? [] : [integrity])].join(' ');
  throw new D3Error('PLUGIN_NOT_ALLOWED', 'refused', `${name} ${version} is not allowed here: ${judged.refused}.`, {
    target: name,
    actions: [`If it is to be trusted with d3's rights, add it to ${SETTING} in the configuration: "${pinned}"`],
  });
}
