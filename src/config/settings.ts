import { isOfAbsentPlugin, type PluginSetting, pluginSettings } from './plugin-settings.ts';

/** One setting: what it is called, what it may be, what it is without being set. */
export interface SettingDefinition {
  name: string;
  kind: 'text' | 'list' | 'path' | 'secret' | { oneOf: readonly string[] } | { from: number; to: number };
  description: string;
}

/** How loud a line is. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Where a secret is to be had: never the secret itself. */
export type SecretReference = { file: string } | { command: string[] };

/** Settings as d3 uses them. */
export interface Settings {
  /** Folder (a path on the host) or address of the depot, or null. */
  depot: string | null;
  /** Credentials for a depot's web server: `user:password` or a token. */
  httpCredentials: SecretReference | null;
  /** File of certificates trusted besides the system's. */
  httpCa: string | null;
  /** Address of the PostgreSQL database that holds the depot's store, without a password; null: as the depot's folder says. */
  databaseUrl: string | null;
  databasePassword: SecretReference | null;
  /** File with the root metadata that is trusted at the first contact with the depot; null: the one it shows then. */
  trustRoot: string | null;
  /** What fetched packages may take, megabytes. */
  cacheMaxMegabytes: number;
  /** Absolute within the root; null: the usual place. */
  logFile: string | null;
  logLevel: LogLevel | 'off';
  logFormat: 'lines' | 'json' | 'jamf';
  /** As strftime knows it. */
  logTimestampFormat: string;
  logMaxMegabytes: number;
  /** Full files that are kept. */
  logKeep: number;
  /** Who admin work is done as, when nobody says. */
  admin: string | null;
  /** Names nobody may act as, besides the built-in ones. */
  prohibitedAdminNames: string[];
  /** A script of the depot that runs after an edition went live, by name or id. */
  liveScript: string | null;
  liveClean: 'off' | 'on';
  liveKeepDeprecated: number;
  liveKeepLatestPilots: 'no' | 'yes';
  installRemoveFirst: 'seed' | 'after-gate';
  installSignature: 'any' | 'signed';
  /** Empty: every team's that the machine trusts. */
  installTeamIds: string[];
  /** What may be installed, as `plugins/allow-list.ts` reads it; null: nothing was said. */
  pluginsAllow: string[] | null;
  /** Address of the npm registry; null: npm's own. */
  pluginsRegistry: string | null;
  /** Whether `d3 plugins` on a terminal tells once a day what the registry has that is newer; only where one is named. */
  pluginsNotice: 'on' | 'off';
  syncPilots: 'hold' | 'update';
  processesQuit: 'off' | 'ask';
  /** Days; 0 never. */
  processesNoticeDays: number;
}

export const SETTING_DEFINITIONS: readonly (SettingDefinition & { key: keyof Settings })[] = [
  {
    key: 'depot',
    name: 'depot',
    kind: 'text',
    description: 'folder of the depot, a path on the host, or its http(s) address',
  },
  {
    key: 'httpCredentials',
    name: 'http.credentials',
    kind: 'secret',
    description: 'user:password or a token for the web server of the depot',
  },
  {
    key: 'httpCa',
    name: 'http.ca',
    kind: 'path',
    description: 'file of certificates (PEM) that are trusted besides those of the system',
  },
  {
    key: 'databaseUrl',
    name: 'database.url',
    kind: 'text',
    description:
      "postgres:// address of the depot's database, without the password; unset: where the depot's own folder says",
  },
  {
    key: 'databasePassword',
    name: 'database.password',
    kind: 'secret',
    description: "the password for the depot's database",
  },
  {
    key: 'trustRoot',
    name: 'trust.root',
    kind: 'path',
    description:
      'file with the root metadata (d3 depot keys export-root) that is trusted at the first contact with the depot',
  },
  {
    key: 'cacheMaxMegabytes',
    name: 'cache.maxMegabytes',
    kind: { from: 1, to: 100_000_000 },
    description: 'megabytes that fetched packages may take; what still is needed stays all the same',
  },
  {
    key: 'logFile',
    name: 'log.file',
    kind: 'path',
    description: 'the log, under the root; /var/log/d3.log unless set',
  },
  {
    key: 'logLevel',
    name: 'log.level',
    kind: { oneOf: [...LOG_LEVELS, 'off'] },
    description: 'what is logged: that and everything louder',
  },
  {
    key: 'logFormat',
    name: 'log.format',
    kind: { oneOf: ['lines', 'json', 'jamf'] },
    description: 'lines as the ancestor wrote them, a JSON document on each line, or lines as jamf.log has them',
  },
  {
    key: 'logTimestampFormat',
    name: 'log.timestampFormat',
    kind: 'text',
    description: 'how lines begin, as strftime writes it',
  },
  {
    key: 'logMaxMegabytes',
    name: 'log.maxMegabytes',
    kind: { from: 1, to: 100_000 },
    description: 'megabytes after which a new log is begun',
  },
  { key: 'logKeep', name: 'log.keep', kind: { from: 0, to: 1000 }, description: 'full logs that are kept' },
  { key: 'admin', name: 'admin', kind: 'text', description: 'who admin work is done as when nobody says' },
  {
    key: 'prohibitedAdminNames',
    name: 'prohibitedAdminNames',
    kind: 'list',
    description: 'names nobody may act as, besides root, unknown and auto-installed',
  },
  {
    key: 'liveScript',
    name: 'live.script',
    kind: 'text',
    description: 'a script of the depot, by name or id, that d3admin runs after an edition went live',
  },
  {
    key: 'liveClean',
    name: 'live.clean',
    kind: { oneOf: ['off', 'on'] },
    description: 'whether old editions are deleted when a newer one goes live',
  },
  {
    key: 'liveKeepDeprecated',
    name: 'live.keepDeprecated',
    kind: { from: 0, to: 1000 },
    description: 'how many deprecated editions of a basename cleaning leaves, the newest of them',
  },
  {
    key: 'liveKeepLatestPilots',
    name: 'live.keepLatestPilots',
    kind: { oneOf: ['no', 'yes'] },
    description: 'whether cleaning leaves skipped editions that are newer than the deprecated ones it leaves',
  },
  {
    key: 'installRemoveFirst',
    name: 'install.removeFirst',
    kind: { oneOf: ['seed', 'after-gate'] },
    description: 'when a remove-first edition removes the old one: before its pre-install script, or after it agreed',
  },
  {
    key: 'installSignature',
    name: 'install.signature',
    kind: { oneOf: ['any', 'signed'] },
    description:
      "whether packages need a signature that this Mac accepts, besides the depot's own; only a Mac can tell",
  },
  {
    key: 'installTeamIds',
    name: 'install.teamIds',
    kind: 'list',
    description: 'Apple team ids whose signature packages need; none: any that this Mac trusts',
  },
  {
    key: 'pluginsAllow',
    name: 'plugins.allow',
    kind: 'list',
    description:
      'plugins that may be installed or linked: NAME[@RANGE], with sha512-… its content, with key:… who signed; unset: none as root and in CI',
  },
  {
    key: 'pluginsRegistry',
    name: 'plugins.registry',
    kind: 'text',
    description: "http(s) address of the npm registry that plugins come from; unset: where the account's npm looks",
  },
  {
    key: 'pluginsNotice',
    name: 'plugins.notice',
    kind: { oneOf: ['on', 'off'] },
    description:
      'whether d3 plugins, on a terminal, asks plugins.registry once a day what is newer than what is installed; never asked without one',
  },
  {
    key: 'syncPilots',
    name: 'sync.pilots',
    kind: { oneOf: ['hold', 'update'] },
    description: 'whether sync leaves pilots alone until depiloted, or updates them to a newer live edition',
  },
  {
    key: 'processesQuit',
    name: 'processes.quit',
    kind: { oneOf: ['off', 'ask'] },
    description: 'whether processes that are in the way are asked to end before what they prohibit is done',
  },
  {
    key: 'processesNoticeDays',
    name: 'processes.noticeDays',
    kind: { from: 0, to: 36_500 },
    description: 'days something waits for a process before every sync says so; 0 never',
  },
];

export const DEFAULT_SETTINGS: Settings = {
  depot: null,
  httpCredentials: null,
  httpCa: null,
  databaseUrl: null,
  databasePassword: null,
  trustRoot: null,
  cacheMaxMegabytes: 50_000,
  logFile: null,
  logLevel: 'info',
  logFormat: 'lines',
  logTimestampFormat: '%Y-%m-%d %H:%M:%S',
  logMaxMegabytes: 10,
  logKeep: 5,
  admin: null,
  prohibitedAdminNames: [],
  liveScript: null,
  liveClean: 'off',
  liveKeepDeprecated: 0,
  liveKeepLatestPilots: 'no',
  installRemoveFirst: 'seed',
  installSignature: 'any',
  installTeamIds: [],
  pluginsAllow: null,
  pluginsRegistry: null,
  pluginsNotice: 'on',
  syncPilots: 'hold',
  processesQuit: 'off',
  processesNoticeDays: 14,
};

/** Of d3's own settings, or of one that a plugin brings. */
export function definitionOf(name: string): (SettingDefinition & { key: keyof Settings }) | PluginSetting | undefined {
  return (
    SETTING_DEFINITIONS.find((candidate) => candidate.name === name) ??
    pluginSettings().find((candidate) => candidate.name === name)
  );
}

/**
 * What a configuration document sets, by name.
 * @returns every problem at once; unknown names are problems too, so that a typing error is never silent
 */
export function valuesIn(document: unknown): { values: Map<string, unknown>; problems: string[]; notes: string[] } {
  const problems: string[] = [];
  const notes: string[] = [];
  const found = new Map<string, unknown>();
  if (document !== null && document !== undefined) collect(document, '', found, problems);
  const values = new Map<string, unknown>();
  for (const [name, value] of found) {
    const definition = definitionOf(name);
    if (definition === undefined && isOfAbsentPlugin(name)) {
      notes.push(`${name} means nothing here: its plugin is not in this d3`);
      continue;
    }
    const problem = definition === undefined ? unknownSetting(name) : valueProblem(definition, value);
    if (problem === null) values.set(name, value);
    else problems.push(problem);
  }
  return { values, problems, notes };
}

/** Why a name is no setting, with the one it may have been meant for. */
export function unknownSetting(name: string): string {
  const names = [...SETTING_DEFINITIONS, ...pluginSettings()].map((known) => known.name);
  const meant = names.find((known) => known.toLowerCase() === name.toLowerCase() || distance(known, name) <= 2);
  if (meant !== undefined) return `${name} is no setting; did you mean ${meant}?`;
  return `${name} is no setting; there are ${names.join(', ')}`;
}

/** How many letters have to be changed, left out or put in. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const changed = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

/** Nested names become dotted ones: `{"sync": {"pilots": "hold"}}` is `sync.pilots`. */
function collect(value: unknown, prefix: string, into: Map<string, unknown>, problems: string[]): void {
  const isWhole = SETTING_DEFINITIONS.some(({ name, kind }) => name === prefix && kind === 'secret');
  if (typeof value !== 'object' || value === null || Array.isArray(value) || isWhole) {
    if (prefix === '') problems.push('it is no list of names and values');
    else into.set(prefix, value);
    return;
  }
  if (prefix !== '' && Object.keys(value).length === 0) into.set(prefix, value);
  for (const [key, part] of Object.entries(value))
    collect(part, prefix === '' ? key : `${prefix}.${key}`, into, problems);
}

function isPath(value: unknown): boolean {
  return typeof value === 'string' && value.startsWith('/') && !value.includes('\0');
}

function isReference(value: unknown): value is SecretReference {
  if (typeof value !== 'object' || value === null || Object.keys(value).length !== 1) return false;
  const { file, command } = value as { file?: unknown; command?: unknown };
  if (file !== undefined) return isPath(file);
  const [program] = Array.isArray(command) ? (command as unknown[]) : [];
  return isPath(program) && (command as unknown[]).every((word) => typeof word === 'string');
}

/** @returns what is wrong with a value, or null */
export function valueProblem({ name, kind }: SettingDefinition, value: unknown): string | null {
  if (kind === 'text') return typeof value === 'string' && value !== '' ? null : `${name} must be a text`;
  if (kind === 'path') return isPath(value) ? null : `${name} must be an absolute path`;
  if (kind === 'secret')
    return isReference(value) ? null : `${name} must be {"file": PATH} or {"command": [PROGRAM, …]}`;
  if (kind === 'list') {
    const good = Array.isArray(value) && value.every((item) => typeof item === 'string');
    return good ? null : `${name} must be a list of texts`;
  }
  if ('from' in kind) {
    const good = Number.isSafeInteger(value) && (value as number) >= kind.from && (value as number) <= kind.to;
    return good ? null : `${name} must be a whole number from ${kind.from} to ${kind.to}`;
  }
  return kind.oneOf.includes(value as string) ? null : `${name} must be one of ${kind.oneOf.join(', ')}`;
}

/**
 * A value as it is typed on a command line.
 * @returns what it stands for, or what is wrong with it
 */
export function valueFromText(definition: SettingDefinition, text: string): { value: unknown } | { problem: string } {
  const value = typedValue(definition, text);
  const problem = valueProblem(definition, value);
  return problem === null ? { value } : { problem };
}

function typedValue({ kind }: SettingDefinition, text: string): unknown {
  if (kind === 'list') return text.split(',').flatMap((word) => (word.trim() === '' ? [] : [word.trim()]));
  if (kind === 'secret') {
    try {
      return JSON.parse(text);
    } catch {
      return text.startsWith('/') ? { file: text } : text;
    }
  }
  if (typeof kind === 'object' && 'from' in kind) return /^-?\d+$/.test(text) ? Number(text) : text;
  return text;
}
