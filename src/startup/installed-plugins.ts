import { readFileSync, realpathSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import type { Plugin } from '@oclif/core';
import { askChild } from '../platform/child.ts';
import { replaceFile } from '../platform/replace-file.ts';
import { whyUntrusted } from '../platform/trusted-folder.ts';
import { codeFile, type Installation } from './installation.ts';
import { type PackedRecords, pack, unpack } from './packed-records.ts';
import { folderOf, INDEX_FILE, type ListedPlugin, listedPlugins, listFile, lockProblem } from './plugin-list.ts';
import type { PluginRecord } from './plugin-record.ts';
import type { ProbeAnswer, ProbeRequest } from './probe.ts';
import { areUnchanged, stampOf, stampsBelow } from './stamps.ts';

/** The part of the plugin index that lies beside the plugins a user installed or linked. */
interface InstalledIndex {
  schema: typeof SCHEMA;
  /** The version of d3 it was written by. */
  d3: string;
  /** The lock, which lists the plugins. */
  listStamp: string | null;
  records: PackedRecords;
}

const SCHEMA = 'd3/installed-plugins@1';

/** Milliseconds a plugin has to load. */
const LOAD_LIMIT = 5000;
/** The same while it is installed: nobody waits for anything else then, and much may go on besides. */
export const PATIENT_LIMIT = 30_000;

export interface InstalledPlugins {
  records: PluginRecord[];
  /** Why what is there is left out, if it is. */
  refused: string | null;
}

/** What the user installed and linked, from the index; a new index is made first if the old one no longer holds. */
export async function installedPlugins(
  folder: string,
  installation: Installation,
  d3: string,
): Promise<InstalledPlugins> {
  const listStamp = listStampOf(folder);
  if (listStamp === null) return { records: [], refused: null };
  const untrusted = whyUntrusted(folder);
  if (untrusted !== null) return { records: [], refused: untrusted };
  const known = readIndex(folder, d3);
  if (known !== null) return { records: known, refused: null };
  const problem = lockProblem(folder);
  if (problem !== null) return { records: [], refused: problem };
  return { records: await renewIndex(folder, installation, d3), refused: null };
}

/** What is wrong with the index beside the plugins, or null; there need be none without plugins. */
export function installedIndexProblem(folder: string, d3: string): string | null {
  if (listStampOf(folder) === null || readIndex(folder, d3) !== null) return null;
  return stampOf(path.join(folder, INDEX_FILE)) === null ? 'it is missing' : 'it is older than what is installed';
}

/** Whoever may not look into a folder, as a service without a home, has installed nothing there. */
function listStampOf(folder: string): string | null {
  try {
    return stampOf(listFile(folder));
  } catch (error) {
    if (['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
}

/** @returns null when the index is missing or does not hold */
export function readIndex(folder: string, d3: string): PluginRecord[] | null {
  try {
    const index = writtenIndex(folder);
    const holds = index.schema === SCHEMA && index.d3 === d3 && index.listStamp === listStampOf(folder);
    return holds && index.records.plugins.every(({ stamps }) => areUnchanged(stamps)) ? unpack(index.records) : null;
  } catch {
    return null;
  }
}

/**
 * Makes the index anew: each plugin is loaded in a process of its own by oclif's loader. Whatever one of them does
 * there, the others are in the index, and it is too: without commands and hooks, and with what is wrong with it.
 */
export async function renewIndex(
  folder: string,
  installation: Installation,
  d3: string,
  limit = LOAD_LIMIT,
): Promise<PluginRecord[]> {
  const listStamp = listStampOf(folder);
  const listed = listedPlugins(folder);
  const before = new Map(recordsBefore(folder).map((record) => [record.name, record]));
  const sameD3 = versionBefore(folder) === d3;
  const waiting = listed.entries();
  const records: PluginRecord[] = [];
  const worker = async (): Promise<void> => {
    for (const [at, plugin] of waiting) {
      const known = before.get(plugin.name);
      const holds = sameD3 && known !== undefined && stillHolds(known, plugin, folder);
      records[at] = holds ? known : await recorded(plugin, folder, installation, known, limit);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  const index: InstalledIndex = { schema: SCHEMA, d3, listStamp, records: pack(records) };
  try {
    replaceFile(path.join(folder, INDEX_FILE), JSON.stringify(index));
  } catch {
    // A folder that cannot be written costs time on every start, and nothing else.
  }
  return records;
}

/** A plugin that was well, and lies where it lay, need not be loaded again because another one came or went. */
function stillHolds(known: PluginRecord, plugin: ListedPlugin, folder: string): boolean {
  if (known.problems.length > 0 || known.type !== plugin.type || known.tag !== plugin.tag) return false;
  return known.root === folderOf(plugin, folder) && areUnchanged(known.stamps);
}

/** The version of d3 that wrote the last index. */
function versionBefore(folder: string): string | null {
  try {
    return writtenIndex(folder).d3;
  } catch {
    return null;
  }
}

async function recorded(
  plugin: ListedPlugin,
  folder: string,
  installation: Installation,
  before: PluginRecord | undefined,
  limit: number,
): Promise<PluginRecord> {
  const { name, type, tag, url } = plugin;
  const root = plugin.root ?? folder;
  const request: ProbeRequest = { installation, name, root, type, tag, url, purpose: 'index' };
  const { record, problems } = await askProbe(request, limit);
  const known = record ?? placeholder(plugin, folder, before);
  return { ...known, problems, stamps: stampsOf(known, folder) };
}

/** Loads a plugin where it can do no harm. @param limit milliseconds */
export async function askProbe(request: ProbeRequest, limit = LOAD_LIMIT): Promise<ProbeAnswer> {
  const module = codeFile(request.installation, 'startup/probe');
  const result = await askChild(module, JSON.stringify(request), limit);
  if (!('ended' in result)) return result.answer as ProbeAnswer;
  const why =
    result.ended === 'late' ? `it did not load within ${limit / 1000} s` : 'it ended the process that loaded it';
  return { record: null, problems: [why] };
}

/** @throws whatever reading and parsing do */
function writtenIndex(folder: string): InstalledIndex {
  return JSON.parse(readFileSync(path.join(folder, INDEX_FILE), 'utf8')) as InstalledIndex;
}

/** What the last index said, whether it still holds or not. */
function recordsBefore(folder: string): PluginRecord[] {
  try {
    return unpack(writtenIndex(folder).records);
  } catch {
    return [];
  }
}

/**
 * Stands for a plugin that cannot be loaded: it is listed and can be uninstalled. Its handlers stay named, so that the
 * bus misses them: a gate must not be open because what guards it is broken or gone.
 */
function placeholder(plugin: ListedPlugin, folder: string, before: PluginRecord | undefined): PluginRecord {
  const { name, type, tag, url } = plugin;
  const root = folderOf(plugin, folder);
  const { version = 'unknown', oclif } = pjsonOf(root);
  const commands = oclif?.commands;
  const target = typeof commands === 'string' ? commands : commands?.target;
  return {
    name,
    alias: name,
    version,
    root,
    type,
    isRoot: false,
    tag,
    url,
    moduleType: 'module',
    pjson: { name, version, oclif: {} },
    hooks: onBus(handlersOf(oclif?.hooks) ?? before?.hooks ?? {}),
    // Kept to notice when somebody mends the commands.
    discovery: target === undefined ? null : { target },
    manifest: { commands: {}, version },
    problems: [],
    stamps: {},
  };
}

/** Of the events only those of d3's bus, which waits for nobody for ever. */
function onBus(hooks: PluginRecord['hooks']): PluginRecord['hooks'] {
  return Object.fromEntries(Object.entries(hooks).filter(([event]) => event.startsWith('d3:')));
}

/** Handlers as package.json names them: a file, an object with one, or a list of these; null when it names none. */
function handlersOf(hooks: unknown): PluginRecord['hooks'] | null {
  if (typeof hooks !== 'object' || hooks === null) return null;
  return Object.fromEntries(
    Object.entries(hooks).map(([event, named]) => {
      const list: unknown[] = Array.isArray(named) ? named : [named];
      return [
        event,
        list.flatMap((one) => {
          const { target, identifier = 'default' } = (typeof one === 'string' ? { target: one } : (one ?? {})) as {
            target?: unknown;
            identifier?: unknown;
          };
          return typeof target === 'string' ? [{ target, identifier: String(identifier) }] : [];
        }),
      ];
    }),
  );
}

function pjsonOf(folder: string): Partial<Plugin['pjson']> {
  try {
    return JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as Plugin['pjson'];
  } catch {
    return {};
  }
}

/** npm changes the list whenever it changes a plugin; folders people work in change by themselves. */
function stampsOf({ root, discovery }: PluginRecord, folder: string): Record<string, string | null> {
  const stamps = Object.fromEntries(
    ['package.json', 'oclif.manifest.json'].map((name) => {
      const file = path.join(root, name);
      return [file, stampOf(file)];
    }),
  );
  if (isInside(root, folder)) return stamps;
  const commands = (discovery as { target?: string } | null)?.target;
  return commands === undefined ? stamps : { ...stamps, ...stampsBelow(path.resolve(root, commands)) };
}

function isInside(place: string, folder: string): boolean {
  try {
    return realpathSync(place).startsWith(`${realpathSync(folder)}${path.sep}`);
  } catch {
    return false;
  }
}
