import { D3Error } from '@d3/sdk';
import { PREFERENCE_TABLE } from '../admin/preferences.ts';
import { dropCredentials, findCredentials, keepCredentials } from '../config/credentials.ts';
import { loadSettings } from '../config/layers.ts';
import type { Preferences } from '../config/preferences.ts';
import { machinePaths } from '../platform/paths.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { ownPreferences, savePreferences } from './admin-here.ts';
import { credentialParts } from './credential-parts.ts';

/** What this admin has set so far. */
export const current = ownPreferences;
export const save = (changes: Partial<Preferences>) => savePreferences(changes);

export async function prohibitedNames(): Promise<string[]> {
  return (await loadSettings(machinePaths('/', process.platform))).prohibitedAdminNames;
}

/** Everything that is set; of the secret only where it is. @param changed targets that were just set */
export async function shown(changed: string[], env: Readonly<Record<string, string | undefined>>) {
  const preferences = await ownPreferences();
  const { found, keeping } = await findCredentials(preferences, credentialParts(env));
  const kept = keeping === 'unset' ? 'unset' : `secret in the ${keeping}`;
  return {
    preferences: Object.fromEntries(PREFERENCE_TABLE.map(({ target, key }) => [target, preferences[key]])),
    credentials: { account: found?.account ?? preferences.account, kept },
    savedAt: preferences.savedAt,
    changed,
  };
}

/** Keeps an account with its secret; `none` forgets both. What another account left behind goes. */
export async function setCredentials(
  account: string | undefined,
  terminal: Terminal,
  env: Readonly<Record<string, string | undefined>>,
) {
  const { account: before } = await ownPreferences();
  const name = account ?? (await terminal.text({ question: 'Account:', flag: 'd3admin config credentials ACCOUNT' }));
  if (name === 'none') {
    await dropCredentials(before, credentialParts(env));
    await savePreferences({ account: null, credentials: null });
    return shown(['credentials'], env);
  }
  if (!/^[^\s:\p{Cc}]{1,255}$/u.test(name))
    throw new D3Error('ACCOUNT', 'usage', `"${name}" cannot be an account: no blanks and no colon.`, { target: name });
  const secret = await terminal.secret({ question: `Secret of ${name}:`, flag: 'the secret on the standard input' });
  if (!/^[\x21-\x7e]{1,4096}$/.test(secret))
    throw new D3Error('NO_SECRET', 'usage', 'A secret is one line without blanks.', { target: 'credentials' });
  await keepCredentials({ account: name, secret }, before, credentialParts(env));
  await savePreferences({ account: name, credentials: null });
  return shown(['credentials'], env);
}
