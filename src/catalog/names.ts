/** The rules for basenames, versions, revisions and the edition string they make. */

export const BASENAME = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,59}$/;
export const VERSION = /^[A-Za-z0-9][A-Za-z0-9._+~-]{0,29}$/;
/** The largest revision a 32 bit column holds. */
export const MAX_REVISION = 2_147_483_647;

/** `basename-version-revision`. It is compared whole and never taken apart. */
export function editionString(basename: string, version: string, revision: number): string {
  return `${basename}-${version}-${revision}`;
}

/** Spaces in a version become `_`, as admins of the ancestor expect. */
export function cleanVersion(version: string): string {
  return version.trim().replace(/\s/gu, '_');
}

/** @returns what is wrong with a basename, or null */
export function basenameProblem(basename: string): string | null {
  if (BASENAME.test(basename)) return null;
  return `basename "${basename}" must be 1 to 60 letters, digits or . _ + - and start with a letter or digit`;
}

/** @returns what is wrong with a (cleaned) version, or null */
export function versionProblem(version: string): string | null {
  if (VERSION.test(version)) return null;
  return `version "${version}" must be 1 to 30 letters, digits or . _ + ~ - and start with a letter or digit`;
}

/** @returns what is wrong with a revision as typed, or null */
export function revisionProblem(revision: string): string | null {
  const number = wholeNumber(revision);
  if (number !== null && number >= 1 && number <= MAX_REVISION) return null;
  return `revision "${revision}" must be a whole number from 1 to ${MAX_REVISION}`;
}

/**
 * A word as a whole number: digits and nothing else. `7zip` is not 7.
 * @returns null when it is anything else, or too large to be exact
 */
export function wholeNumber(word: string): number | null {
  if (!/^\d+$/.test(word)) return null;
  const number = Number(word);
  return Number.isSafeInteger(number) ? number : null;
}

/** What two texts have in common that differ only in case and in how accents are encoded. */
export function nameKey(text: string): string {
  return text.normalize('NFC').toLowerCase();
}
