import { depotFlags as adminFlags, machineFlags as clientFlags, duration, everyFlags } from '@d3/sdk/command';
import { Flags } from '@oclif/core';

export { adminFlags, clientFlags, duration, everyFlags };

/**
 * Every flag that more than one command has, once. A flag means the same everywhere; short letters differ
 * between d3 and d3admin, where they belong to the attributes of a package. The base commands take their flags
 * from here, and so does the reading of options before the command (`src/argv.ts`).
 *
 * Each flag is also read from the environment as D3_FLAG_<NAME>: see {@link flagVariable}.
 */

/** The yes/no flags: given bare they mean yes, and the next word is no value of theirs (`src/argv.ts` adds the `y`). */
export const YES_NO_FLAGS: ReadonlySet<string> = new Set(['reboot', 'removable', 'remove-first']);

/** A whole number of at least `min`; anything else is wrong usage. */
export const wholeNumber = Flags.custom<number, { min?: number }>({
  parse: async (input, _context, options) => {
    const min = options.min ?? 0;
    const value = Number(input);
    if (!/^\d+$/.test(input) || !Number.isSafeInteger(value) || value < min) {
      throw new Error(`"${input}" is not a whole number of at least ${min}.`);
    }
    return value;
  },
});

/** On every command that changes a machine. */
export const changingFlags = {
  'dry-run': Flags.boolean({ summary: 'Show what would be done and why; change nothing.' }),
  wait: duration({ helpValue: 'TIME', summary: 'How long to wait for another run to end: 90, 90s, 15m or 1h.' }),
};

/** On the commands that install, pilot or remove packages. */
export const installingFlags = {
  ...changingFlags,
  force: Flags.boolean({
    char: 'f',
    summary: 'Go back to an older edition, install again, or in spite of exclusion or a running process.',
  }),
  admin: Flags.string({ char: 'a', helpValue: 'NAME', summary: 'Who is doing this; kept in the receipt.' }),
};

/** What only `install`, `pilot` and `sync` know; kept here because their letters may stand before the command. */
export const deferralFlags = {
  puppies: Flags.boolean({ char: 'p', summary: 'Install what needs a restart now; restarting is left to you.' }),
  'no-puppy-notification': Flags.boolean({ char: 'N', summary: 'Do not tell the user about queued packages.' }),
};

/** What only `install` and `pilot` know. */
export const receiptFlags = {
  freeze: Flags.boolean({ char: 'F', summary: 'Freeze the receipt: sync leaves the package alone.' }),
  expiration: wholeNumber({
    char: 'e',
    helpValue: 'DAYS',
    summary: 'Uninstall after this many unused days, whatever the edition says.',
  }),
};

/** On the commands that look at or change runs of steps. */
export const runFlags = {
  'of-depot': Flags.boolean({ summary: "The depot's own runs instead of this machine's." }),
};

/** Where who decided something and why is kept. */
export const reasonFlag = {
  reason: Flags.string({ helpValue: 'TEXT', summary: 'Why; it is kept with the run.', required: true }),
};

/** On those that change one. */
export const runChangingFlags = {
  ...runFlags,
  wait: changingFlags.wait,
  admin: installingFlags.admin,
};

/** On the commands under admin that change the depot. */
export const adminChangingFlags = {
  'dry-run': Flags.boolean({ summary: 'Show what would be done and why; change nothing.' }),
};

/** On the commands that sign for a person. */
export const keysFlag = {
  keys: Flags.string({
    helpValue: 'DIR',
    summary: 'A folder with signing keys of yours, besides your own configuration; repeatable.',
    multiple: true,
  }),
};

/** On the commands under admin that ask "are you sure" or that can be walked through. */
export const confirmingFlags = {
  ...adminChangingFlags,
  'auto-confirm': Flags.boolean({ char: 'a', summary: 'Do not ask whether to go on.' }),
};

/** On the commands under admin that can be walked through. */
export const walkthruFlags = {
  walkthru: Flags.boolean({ char: 'w', summary: 'Be asked for everything, one by one.' }),
};

/**
 * The attributes of an edition, on `admin add` and `admin edit`. All are read as text, so that the commands can
 * report everything that is wrong with them at once. Lists are comma separated; `n` or `none` clears
 * what an edition would inherit or has.
 */
export const attributeFlags = {
  version: Flags.string({ char: 'v', helpValue: 'VERSION', summary: 'The version of what is installed.' }),
  revision: Flags.string({ char: 'r', helpValue: 'NUMBER', summary: 'The revision of this version.' }),
  'package-name': Flags.string({ char: 'n', helpValue: 'NAME', summary: 'The display name.' }),
  filename: Flags.string({ char: 'f', helpValue: 'NAME', summary: 'The name of the package file.' }),
  category: Flags.string({ char: 'C', helpValue: 'NAME', summary: 'The category.' }),
  oses: Flags.string({
    char: 'o',
    helpValue: 'LIST',
    aliases: ['os'],
    summary: 'The systems it is for: 14.2, 14.x, >=14.2.',
  }),
  'cpu-type': Flags.string({
    char: 'c',
    helpValue: 'TYPE',
    aliases: ['cpu_type'],
    summary: 'The processor it is for.',
  }),
  reboot: Flags.string({ char: 'R', helpValue: '[y|n]', summary: 'Whether it needs a restart.' }),
  removable: Flags.string({ char: 'u', helpValue: '[y|n]', summary: 'Whether it can be uninstalled.' }),
  description: Flags.string({ char: 'd', helpValue: 'TEXT', summary: 'What it is and where it comes from.' }),
  'remove-first': Flags.string({
    char: 'F',
    helpValue: '[y|n]',
    summary: 'Whether older editions are uninstalled first.',
  }),
  'prohibiting-processes': Flags.string({
    char: 'x',
    helpValue: 'LIST',
    aliases: ['prohibiting-process'],
    summary: 'Processes that must not be running.',
  }),
  'auto-groups': Flags.string({
    char: 'g',
    helpValue: 'LIST',
    summary: 'Groups whose computers get it by themselves.',
  }),
  'excluded-groups': Flags.string({ char: 'G', helpValue: 'LIST', summary: 'Groups whose computers do not get it.' }),
  'pre-install': Flags.string({ char: 'e', helpValue: 'SCRIPT', summary: 'Runs before an install; can refuse it.' }),
  'post-install': Flags.string({ char: 't', helpValue: 'SCRIPT', summary: 'Runs after an install.' }),
  'pre-remove': Flags.string({ char: 'E', helpValue: 'SCRIPT', summary: 'Runs before an uninstall; can refuse it.' }),
  'post-remove': Flags.string({ char: 'T', helpValue: 'SCRIPT', summary: 'Runs after an uninstall.' }),
  expiration: Flags.string({
    char: 'X',
    helpValue: 'DAYS',
    summary: 'Uninstall after this many unused days; 0 is never.',
  }),
  'expiration-paths': Flags.string({
    char: 'P',
    helpValue: 'LIST',
    aliases: ['expiration-path'],
    summary: 'What counts as using it.',
  }),
  'firm-expiration': Flags.string({
    helpValue: 'DAY|DAYS',
    summary: 'When it ends whether it is used or not: 2027-06-30, or so many days after the install.',
  }),
  'package-scripts': Flags.string({
    helpValue: 'refuse|ignore',
    summary: 'What to do with scripts inside the package where no installer runs them.',
  }),
  setuid: Flags.string({
    helpValue: 'drop|keep',
    summary: 'What to do with setuid and setgid bits in the package.',
  }),
};

/** What only `admin add` needs: where the package comes from and how it is built. */
export const buildFlags = {
  'source-path': Flags.string({
    char: 's',
    helpValue: 'PATH',
    aliases: ['source'],
    summary: 'A package file, or a folder to build one from.',
  }),
  dmg: Flags.boolean({ char: 'D', summary: 'Build a disk image instead of a package: on a Mac only.' }),
  workspace: Flags.string({
    char: 'W',
    helpValue: 'DIR',
    summary: 'The folder to build in, kept for the next time; else the last one, else a temporary one.',
  }),
  'pkg-id': Flags.string({ char: 'p', helpValue: 'ID', summary: 'The identifier of the package.' }),
  'preserve-owners': Flags.boolean({ summary: 'Keep the owners of the files in the folder.' }),
  'install-location': Flags.string({
    helpValue: 'PATH',
    summary: 'Where on the target the folder belongs; / unless said.',
  }),
  'scripts-folder': Flags.string({
    helpValue: 'DIR',
    summary: 'Scripts to go inside the package: preinstall, postinstall and what they need.',
  }),
  'signing-id': Flags.string({ helpValue: 'NAME', summary: 'Sign the package with this identity: on a Mac only.' }),
  'signing-opts': Flags.string({ helpValue: 'TEXT', summary: 'Further options for productsign.' }),
  import: Flags.string({
    char: 'i',
    helpValue: 'WHAT',
    summary: 'Take in a package file, or the record of an edition, archived ones too, by name or id.',
  }),
  'no-inherit': Flags.boolean({ summary: 'Do not take attributes over from the edition before.' }),
};

/** The variable a flag is read from when it is not on the command line. */
export function flagVariable(name: string): string {
  return `D3_FLAG_${name.toUpperCase().replaceAll('-', '_')}`;
}

/** The environment variables d3 reads besides D3_FLAG_*; any other D3_* is output for scripts. */
export const INPUT_VARIABLES: readonly string[] = [
  'D3_ROOT',
  'D3_DEPOT',
  'D3_DEPOT_DATABASE',
  'D3_RUN',
  'D3_SAFE_MODE',
  'D3_CREDENTIALS',
];
