import { D3Error } from '@d3/sdk';

/**
 * The call of patchoo's script by a policy of Jamf Pro, made into a command line of d3: mount point, name of the computer, name of the user, the
 * mode, and up to seven words of that mode. A policy goes on working when its script is `exec d3 --jamf-params "$@"`. Pure.
 */

/** What a policy passes at most. */
const MOST = 11;

/** What is done by another command now, by mode. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  '--deploysetup': ['provision', 'setup'],
  '--bootstrapsetup': ['provision', 'setup', '--mode', 'update-only'],
  // The machine goes on by itself; a policy that asks for it waits for nothing.
  '--bootstrap': ['provision', 'run', '--no-wait'],
  '--bootstraphelper': ['provision', 'lock'],
  '--patchoostart': ['sync'],
  '--checkupdatess': ['sync'],
  '--remind': ['puppytime', 'tell'],
  '--promptinstall': ['puppytime', 'run'],
  '--promptinstallss': ['puppytime', 'run'],
  '--startup': ['run', 'resume', '--all'],
};

/** What d3 does by itself, or nobody can do any more: why, and what to do with such a policy. */
const GONE: Readonly<Record<string, readonly [why: string, next: string]>> = {
  '--checkasu': [
    "updates of macOS are no policy's any more: Apple takes them from the management alone",
    'set them in the management (declarative updates), and take this policy away',
  ],
  '--cache': [
    'packages are not cached by policies: d3 sync fetches what waits for a restart',
    'add the package to the depot (d3admin add), and take this policy away',
  ],
  '--logout': [
    'macOS runs nothing at a logout any more',
    'what waits for a restart is installed by d3 puppytime run, or d3 sync --puppies; take this policy away',
  ],
};

/**
 * @param params all that the policy passed, the first three among them
 * @throws D3Error usage for a mode that is not known, or not there any more
 */
export function commandOfJamfParams(params: readonly string[]): string[] {
  const [mode = '', ...words] = params.slice(3, MOST).map((word) => word.trim());
  const given = words.filter((word) => !isUnused(word));
  if (mode === '--deploygroup') {
    if (given.length > 0) return ['provision', 'group', '--', ...given];
    throw unusable(mode, 'nothing is named in parameters 5 to 11', 'name policies or events there');
  }
  const command = COMMANDS[mode];
  if (command !== undefined) return [...command];
  const gone = GONE[mode];
  if (gone !== undefined) throw unusable(mode, ...gone);
  const known = ['--deploygroup', ...Object.keys(COMMANDS)].join(', ');
  throw unusable(
    mode,
    isUnused(mode) ? 'parameter 4 says no mode' : 'there is no such mode',
    `parameter 4 is one of ${known}; the three before it are the mount point, the computer and the user`,
  );
}

/** Two quotes were how admins were told to leave a parameter out. */
function isUnused(word: string): boolean {
  return /^(?:|''|""|‘’|“”)$/.test(word);
}

function unusable(mode: string, why: string, next: string): D3Error {
  return new D3Error('JAMF_PARAMS', 'usage', `The parameters of this policy cannot be used: ${why}.`, {
    target: mode === '' ? '--jamf-params' : mode,
    actions: [next],
  });
}
