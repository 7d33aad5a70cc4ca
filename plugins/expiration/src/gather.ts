import { realpathSync } from 'node:fs';
import path from 'node:path';
import type { PluginContext, ProcessHere } from '@d3/sdk';
import { accountsHere } from './accounts.ts';
import { coverageOf } from './coverage.ts';
import type { ExpirationFacts, ExpiringReceipt, UsageFacts } from './facts.ts';
import { type Memory, recall, rememberIfPossible } from './memory.ts';
import { PROCESS_NAME } from './repoman/watch.ts';
import { isRecordable } from './usage-file.ts';
import { type FolderUsage, readUsageFolder, type UserUsage, usageFolder } from './usage-folder.ts';

/** Where facts come from. */
export interface GatherPorts extends Pick<PluginContext, 'root' | 'settings' | 'state'> {
  processes: Pick<PluginContext['processes'], 'list'>;
  platform: NodeJS.Platform;
}

/** What only reads needs of them. */
type ReadingPorts = Pick<GatherPorts, 'root' | 'processes' | 'platform'> & { state: Pick<GatherPorts['state'], 'get'> };

/** This machine's settings of expiration. */
export interface ExpirationSettings {
  allowed: boolean;
  policy: string | null;
  noticePolicy: string | null;
  noticeDays: number;
}

export async function settingsHere({ settings }: Pick<GatherPorts, 'settings'>): Promise<ExpirationSettings> {
  const all = await settings.all();
  return {
    allowed: all['expiration.allowed'] === 'yes',
    policy: (all['expiration.policy'] ?? null) as string | null,
    noticePolicy: (all['expiration.noticePolicy'] ?? null) as string | null,
    noticeDays: all['expiration.noticeDays'] as number,
  };
}

/** What was gathered, with what the next sync is to know of it. */
interface Gathered {
  facts: ExpirationFacts;
  /** Null: there is nothing to say of it yet. */
  coverage: Memory['coverage'] | null;
}

/** Everything expiration goes by, as it is now; where it is not allowed, nothing is read. Keeps nothing. @param at ISO 8601 */
export async function gather(
  receipts: readonly ExpiringReceipt[],
  at: string,
  ports: ReadingPorts & Pick<GatherPorts, 'settings'>,
): Promise<Gathered> {
  const { allowed, noticePolicy, noticeDays } = await settingsHere(ports);
  const { state } = ports;
  const remembered = {
    allowed,
    noticeDays: noticePolicy === null ? null : noticeDays,
    clockSeen: recall('clock', state),
    kept: recall('kept', state) ?? {},
    noticed: recall('noticed', state) ?? {},
  };
  if (!allowed) {
    const usage = { known: false, why: 'it was not looked at' } as const;
    return { facts: { ...remembered, monitor: null, running: null, usage }, coverage: null };
  }
  const { coverage, ...seen } = await look(pathsOf(receipts), at, ports);
  return { facts: { ...remembered, ...seen }, coverage };
}

type Seen = Pick<ExpirationFacts, 'monitor' | 'running' | 'usage'> & Pick<Gathered, 'coverage'>;

/** What is used and what runs, whether anything may expire or not. @param at ISO 8601 */
export async function look(paths: readonly string[], at: string, ports: ReadingPorts): Promise<Seen> {
  const aliases = aliasesOf(paths, ports.root);
  const processes = await ports.processes.list().catch(() => null);
  const running = processes === null ? null : runningOf(aliases, processes);
  const monitor = processes === null ? null : processes.some(({ names }) => names.includes(PROCESS_NAME));
  return { monitor, running, ...usageOf(aliases, at, ports) };
}

/** Those of the paths whose programs run. @throws D3Error failed when it cannot be found out */
export async function runningHere(
  paths: readonly string[],
  { root, processes }: Pick<GatherPorts, 'root' | 'processes'>,
): Promise<string[]> {
  return runningOf(aliasesOf(paths, root), await processes.list());
}

/** Has kept what the next sync is to know: the latest time seen, and since when use is on record. @param at ISO 8601 */
export function rememberSeen(at: string, { coverage }: Gathered, { state }: Pick<GatherPorts, 'state'>): void {
  const seen = recall('clock', state);
  if (seen === null || Date.parse(seen) < Date.parse(at)) rememberIfPossible('clock', at, state);
  if (coverage !== null) rememberIfPossible('coverage', coverage, state);
}

function aliasesOf(paths: readonly string[], root: string): Map<string, string[]> {
  return new Map(paths.map((file) => [file, [file, ...resolved(file, root)]]));
}

export function pathsOf(receipts: readonly ExpiringReceipt[]): string[] {
  return [...new Set(receipts.flatMap(({ expirationPaths }) => expirationPaths))];
}

/** Programs run under the paths their links lead to. */
function resolved(file: string, root: string): string[] {
  try {
    const base = realpathSync(root);
    const found = realpathSync(path.join(root, file));
    const within = base === '/' ? found : found.startsWith(`${base}/`) ? found.slice(base.length) : null;
    return within === null || within === file ? [] : [within];
  } catch {
    return [];
  }
}

/** One that has the name of a program's file is taken for it: it is safer to keep one too many. */
function runningOf(aliases: ReadonlyMap<string, readonly string[]>, processes: readonly ProcessHere[]): string[] {
  const executables = new Set(processes.map(({ executable }) => executable));
  const names = new Set(processes.flatMap((one) => one.names));
  return [...aliases].flatMap(([file, ways]) =>
    ways.some((way) => executables.has(way) || names.has(path.basename(way))) ? [file] : [],
  );
}

function usageOf(
  aliases: ReadonlyMap<string, readonly string[]>,
  at: string,
  { root, platform, state }: ReadingPorts,
): Pick<Seen, 'usage' | 'coverage'> {
  const folder = usageFolder(root, platform);
  const accountOf = root === '/' ? accountsHere() : null;
  const found = readUsageFolder(folder, { now: new Date(at), accountOf });
  const believed = found === null || 'damage' in found ? [] : found.users.filter((user) => 'lastUsed' in user);
  const begun = believed.flatMap(({ user, since }) => (since === null ? [] : [[user, since] as const]));
  const coverage = coverageOf(recall('coverage', state), new Map(begun), at);
  const why = whyUnknown(found, folder);
  if (why !== null) return { usage: { known: false, why }, coverage };
  return { usage: { ...ofPaths(aliases, believed), since: coverage?.since ?? null }, coverage };
}

type Believed = Extract<UserUsage, { lastUsed: unknown }>;

/** Why nothing can be said of what is used; null: it can. One file that cannot be read may have had anything in it. */
function whyUnknown(found: FolderUsage, folder: string): string | null {
  if (found === null) return `there is no folder ${folder}, which "d3 repoman install" makes`;
  if ('damage' in found) return `${folder}: ${found.damage}`;
  if (found.users.length === 0) return 'nobody has recorded any yet';
  const damaged = found.users.find((user) => 'damage' in user);
  return damaged === undefined ? null : `${damaged.file}: ${damaged.damage}`;
}

function ofPaths(
  aliases: ReadonlyMap<string, readonly string[]>,
  users: readonly Believed[],
): Omit<Extract<UsageFacts, { known: true }>, 'since'> {
  const lastUsed: Record<string, string> = {};
  const future: string[] = [];
  for (const [file, ways] of aliases) {
    const uses = ways.flatMap((way) => users.flatMap((user) => user.lastUsed.get(way) ?? []));
    const last = latest(uses);
    if (last !== null) lastUsed[file] = last.toISOString();
    if (ways.some((way) => users.some((user) => user.future.includes(way)))) future.push(file);
  }
  const written = latest(users.flatMap(({ writtenAt }) => writtenAt ?? []));
  const unrecordable = [...aliases.keys()].filter((file) => !isRecordable(file));
  return { known: true, writtenAt: written?.toISOString() ?? null, lastUsed, future, unrecordable };
}

function latest(dates: readonly Date[]): Date | null {
  return dates.reduce<Date | null>((last, date) => (last === null || date > last ? date : last), null);
}

/** What can expire at all is all that is looked at. */
export function canExpire({ expiration, firmExpiration }: ExpiringReceipt): boolean {
  return expiration !== 0 || firmExpiration !== null;
}
