import os from 'node:os';
import path from 'node:path';

/** Every place d3 uses on a machine, all under its root. */
export interface MachinePaths {
  root: string;
  /** Configuration files, the first that exists counts. */
  config: string[];
  /** Configuration that whoever manages the machine has laid down; it counts more. A file, or a folder of .json files. */
  managedConfig: string[];
  /** Configuration of the ancestor, read where nothing else says: its own, then its server's by both names. */
  ancestorConfig: { d3: string; server: string[] };
  /** Unless the configuration names another place. */
  log: string;
  /** Where d3 keeps itself: its versions, the link to the one in force, and the one people start. */
  self: { versions: string; current: string; link: string };
  /** Where the system looks for schedules. */
  launchDaemon: string;
  /** Where a Mac looks for what it starts in sessions. */
  launchAgents: string;
  /** What goes on with runs of steps at start. */
  resumeDaemon: string;
  systemdUnits: string;
  /** What desktops on Linux start in every graphical session. */
  autostart: string;
  /** Facts that stand in for the host's own; only read when the root is not `/`. */
  facts: string | null;
  state: string;
  stateDatabase: string;
  /** While this file is there every d3 says everything. */
  debugMarker: string;
  /** What opens a served depot to this machine, once it is enrolled there: mode 0600. */
  depotKey: string;
  /** The id the machine goes by in its depot, kept beside the state as well. */
  identity: string;
  runLock: string;
  /** Locks of the processes that advance runs, one each. */
  owners: string;
  /** Held by runs that scripts of runs start: one file for each level below the run that holds {@link runLock}. */
  nestedLocks: string[];
  /** What the machine trusts of its depot. */
  trust: string;
  /** Scripts that removals will need, mode 0700. */
  scripts: string;
  /** Private working folders of programs d3 runs, mode 0700. */
  work: string;
  /** A folder for each plugin, mode 0700. */
  plugins: string;
  /** Fetched packages, mode 0700. */
  packages: string;
}

/**
 * @param root absolute path of the machine's root folder; `/` for the machine itself
 * @param platform as `process.platform`
 */
export function machinePaths(root: string, platform: NodeJS.Platform): MachinePaths {
  const mac = platform === 'darwin';
  const under = (...parts: string[]) => path.join(root, ...parts);
  const state = mac ? under('Library', 'Application Support', 'd3') : under('var', 'lib', 'd3');
  const cache = mac ? under('Library', 'Caches', 'd3') : under('var', 'cache', 'd3');
  return {
    root,
    config: ['json', 'yaml', 'yml'].map((ending) => under('etc', `d3.${ending}`)),
    managedConfig: mac
      ? [under('Library', 'Managed Preferences', 'org.d3.plist')]
      : [under('etc', 'd3.managed.json'), under('etc', 'd3.managed.d')],
    ancestorConfig: {
      d3: under('etc', 'd3.conf'),
      server: [under('etc', 'ruby-jss.conf'), under('etc', 'jss_gem.conf')],
    },
    log: under('var', 'log', 'd3.log'),
    self: {
      versions: under('usr', 'local', 'lib', 'd3', 'versions'),
      current: under('usr', 'local', 'lib', 'd3', 'current'),
      link: under('usr', 'local', 'bin', 'd3'),
    },
    launchDaemon: under('Library', 'LaunchDaemons', 'org.d3.sync.plist'),
    launchAgents: under('Library', 'LaunchAgents'),
    resumeDaemon: under('Library', 'LaunchDaemons', 'org.d3.resume.plist'),
    systemdUnits: under('etc', 'systemd', 'system'),
    autostart: under('etc', 'xdg', 'autostart'),
    facts: root === '/' ? null : under('facts.json'),
    state,
    stateDatabase: path.join(state, 'state.db'),
    debugMarker: path.join(state, 'debug-on'),
    depotKey: path.join(state, 'depot-key.json'),
    identity: path.join(state, 'computer-id'),
    runLock: path.join(state, 'run.lock'),
    owners: path.join(state, 'owners'),
    nestedLocks: [1, 2, 3, 4].map((level) => path.join(state, `nested-${level}.lock`)),
    trust: path.join(state, 'trust'),
    scripts: path.join(state, 'scripts'),
    work: path.join(state, 'work'),
    plugins: path.join(state, 'plugin-files'),
    packages: path.join(cache, 'packages'),
  };
}

/** Where d3, as a program of one user, keeps what is its own: not a machine's, so under no `--root`. */
export interface ProgramPaths {
  /** Compiled code, made anew whenever it is missing. */
  compileCache: string;
  /** Installed plugins, as npm lays them out. */
  plugins: string;
  /** What npm has fetched for them. */
  npmCache: string;
  /** What this user usually wants of `d3admin`. */
  preferences: string;
  /** Private working folders of what this user has d3admin do on a depot over the network. */
  work: string;
  /** The secret for a depot over the network, where no keychain has it. */
  credentials: string;
  /** Folder of signing keys that are this person's own. */
  signingKeys: string;
  /** Folder of what this person trusts of depots they sign for. */
  signedDepots: string;
}

/**
 * An ordinary user's are in the home folder. Root's are the machine's: d3 runs as root with anybody's HOME, and every
 * policy must find the same plugins. XDG variables name other places for both.
 * @param account the home folder the account has, asked for only when it is needed
 */
export function programPaths(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
  uid: number,
  account: () => string,
): ProgramPaths {
  // A script's HOME is a folder of its own, but the d3 it starts has the plugins of the one that started it.
  const home = env['D3_RUN'] === undefined ? env['HOME'] || account() : account();
  const mac = platform === 'darwin';
  const { XDG_CACHE_HOME: cache = '', XDG_DATA_HOME: data = '', XDG_CONFIG_HOME: config = '' } = env;
  // Root often runs with somebody else's HOME, whose folder is not root's to write to.
  const configHome = path.join(
    path.isAbsolute(config) ? config : path.join(uid === 0 ? account() : home, '.config'),
    'd3',
  );
  const machine = machinePaths('/', platform);
  const ownCache = path.join(home, ...(mac ? ['Library', 'Caches'] : ['.cache']), 'd3');
  const caches = path.isAbsolute(cache)
    ? path.join(cache, 'd3')
    : uid === 0
      ? path.dirname(machine.packages)
      : ownCache;
  return {
    compileCache: path.join(caches, 'compile'),
    work: path.join(caches, 'work'),
    npmCache: path.join(caches, 'npm'),
    plugins: path.isAbsolute(data)
      ? path.join(data, 'd3')
      : uid === 0
        ? path.join(machine.state, 'plugins')
        : path.join(home, '.local', 'share', 'd3'),
    preferences: path.join(configHome, 'admin.json'),
    credentials: path.join(configHome, 'credentials.json'),
    signingKeys: path.join(configHome, 'keys'),
    signedDepots: path.join(configHome, 'depots'),
  };
}

/** Of the process that asks. */
export function ownProgramPaths(): ProgramPaths {
  const { env, platform } = process;
  return programPaths(env, platform, process.getuid?.() ?? 0, accountHome);
}

/** The home folder of the account, whatever HOME says; an account without an entry has what the system makes up. */
function accountHome(): string {
  try {
    return os.userInfo().homedir;
  } catch {
    return os.homedir();
  }
}
