import { statSync } from 'node:fs';
import path from 'node:path';
import { D3Error } from '@d3/sdk';
import { adminName } from '../config/admin-name.ts';
import type { Preferences } from '../config/preferences.ts';
import { depotUrl } from '../depot/index.ts';

type TextPreference = Exclude<keyof Preferences, 'savedAt' | 'account' | 'credentials'>;

/** One thing `d3admin config` asks for. */
export interface PreferenceRow {
  /** As it is named on the command line. */
  target: string;
  /** Other spellings of it. */
  aliases: readonly string[];
  key: TextPreference;
  label: string;
  explanation: string;
}

const row = (target: string, key: TextPreference, label: string, explanation: string, aliases: string[] = []) => ({
  target,
  key,
  label,
  explanation,
  aliases,
});

/** In the order they are asked for. */
export const PREFERENCE_TABLE: readonly PreferenceRow[] = [
  row('depot', 'depot', 'Depot', 'The folder of the depot you administer, or its address.'),
  row('admin', 'admin', 'Your name', 'Who changes are recorded for; the name of your account unless set.'),
  row('workspace', 'workspace', 'Workspace', 'The folder packages are built in; a temporary one unless set.'),
  row(
    'pkg-id-prefix',
    'pkgIdPrefix',
    'Identifier prefix',
    'What identifiers of packages built here begin with, such as org.example.',
    ['pkg_id_prefix'],
  ),
  row('editor', 'editor', 'Editor', 'The program descriptions are written with; $VISUAL or $EDITOR unless set.'),
  row('category', 'category', 'Category', 'The category of a basename’s first edition.'),
  row(
    'signing-identity',
    'signingIdentity',
    'Signing identity',
    'The identity packages built on a Mac are signed with.',
    ['signing_identity', 'signing-id'],
  ),
  row('signing-options', 'signingOptions', 'Signing options', 'Further options for productsign.', [
    'signing_options',
    'signing-opts',
  ]),
];

export function preferenceRow(target: string): PreferenceRow | undefined {
  return PREFERENCE_TABLE.find((candidate) => candidate.target === target || candidate.aliases.includes(target));
}

/**
 * A preference as it is typed; `none` unsets it.
 * @throws D3Error usage naming what is wrong with it
 */
export function preferenceValue(
  { target, key }: PreferenceRow,
  typed: string,
  prohibited: readonly string[],
): string | null {
  const text = typed.trim();
  const wrong = (why: string) => new D3Error('PREFERENCE_INVALID', 'usage', `"${text}" ${why}.`, { target });
  if (text === 'none' || text === 'n') return null;
  if (text === '' || text.length > 1000 || /\p{Cc}/u.test(text)) throw wrong('must be a text on one line');
  if (key === 'admin') return adminName(text, null, prohibited, {});
  if (key === 'pkgIdPrefix' && !/^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/.test(text))
    throw wrong('is no prefix such as org.example');
  if (key === 'depot' && depotUrl(text) !== null) return text;
  if (key === 'depot' || key === 'workspace') {
    const at = path.resolve(text);
    if (statSync(at, { throwIfNoEntry: false })?.isDirectory() !== true) throw wrong('is no folder');
    return at;
  }
  return key === 'pkgIdPrefix' ? text.replace(/\.+$/, '') : text;
}
