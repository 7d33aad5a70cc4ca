import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { D3Error } from '@d3/sdk';
import type { OperatingSystem } from '../catalog/limits.ts';
import { type Host, hostHere } from './host.ts';
import { listProcesses, namesOf, type ProcessNames, type RunningProcess } from './processes.ts';

/** What a machine is, as its host tells or its root's facts.json says instead. */
export interface MachineFacts extends ProcessNames {
  name: string;
  os: OperatingSystem;
  cpu: string;
  model: string | null;
  serial: string | null;
  hardwareUuid: string | null;
  macs: string[];
  /** Who sits at the machine; null when nobody does, or it cannot be known. */
  user: string | null;
  /** What is known of its provisioning, by name: `state`, `build`. */
  provisioning: Record<string, string>;
  /** False when somebody who may know more of it failed to answer: what is not named may be so or not. */
  provisioningComplete: boolean;
}

const FACT_KEYS = [
  'name',
  'os',
  'cpu',
  'model',
  'serial',
  'hardwareUuid',
  'macs',
  'user',
  'processes',
  'boot',
  'battery',
  'systemUpdate',
  'provisioning',
];
const MAX_FACTS_BYTES = 1024 * 1024;

/**
 * Gathers facts. Without a root of its own a machine is its host; a root folder is named after itself.
 * @param root absolute path
 * @param factsFile facts.json of a root folder, or null
 * @throws D3Error usage when facts.json is not what it must be
 */
export async function gatherMachineFacts(
  root: string,
  factsFile: string | null,
  host: Host = hostHere(),
): Promise<MachineFacts> {
  const said = factsSaid(factsFile);
  const isHost = root === '/';
  return {
    name: said.name ?? (isHost ? ((await host.name()) ?? os.hostname()) : path.basename(root)),
    os: said.os ?? (await host.os()),
    cpu: said.cpu ?? (await host.cpu()),
    model: said.model ?? (isHost ? await host.model() : null),
    serial: said.serial ?? (isHost ? await host.serial() : null),
    hardwareUuid: said.hardwareUuid ?? (isHost ? await host.hardwareUuid() : null),
    macs: said.macs ?? (isHost ? hostMacs() : []),
    user: said.user ?? (isHost ? await host.user() : null),
    provisioning: said.provisioning ?? {},
    provisioningComplete: true,
    ...(await processesOf(said)),
  };
}

/** What runs now, by the same rule as the facts. @throws D3Error usage when facts.json is not what it must be */
export async function gatherProcesses(factsFile: string | null): Promise<ProcessNames> {
  return processesOf(factsSaid(factsFile));
}

/** Who sits at the machine now, by the same rule. @throws D3Error usage when facts.json is not what it must be */
export async function gatherUser(
  root: string,
  factsFile: string | null,
  host: Host = hostHere(),
): Promise<string | null> {
  return factsSaid(factsFile).user ?? (root === '/' ? await host.user() : null);
}

/** What runs now, with where it is; facts.json may name an executable by its absolute path. */
export async function gatherRunning(
  factsFile: string | null,
): Promise<Pick<RunningProcess, 'executable' | 'names' | 'cut'>[]> {
  const { processes } = factsSaid(factsFile);
  if (processes === undefined) return listProcesses();
  return processes.map((name) => ({
    executable: path.isAbsolute(name) ? name : null,
    names: [path.basename(name)],
    cut: null,
  }));
}

/** Whether facts.json says what runs, so that nothing of it is a process of this host. */
export function processesAreSaid(factsFile: string | null): boolean {
  return factsSaid(factsFile).processes !== undefined;
}

/** What only facts.json can say of a root folder, which nothing starts and nobody provisioned. */
export interface SaidOnly {
  /** Stands for one start of the machine: another one after each. */
  boot?: string;
  battery?: { charging: boolean; percent: number };
  provisioning?: Record<string, string>;
  /** What updates its system at the moment. */
  systemUpdate?: string;
}

/** @throws D3Error usage when facts.json is not what it must be */
export function saidOnly(factsFile: string | null): SaidOnly {
  return factsSaid(factsFile);
}

async function processesOf({ processes }: Partial<MachineFacts>): Promise<ProcessNames> {
  return processes === undefined ? namesOf(await listProcesses()) : { processes, cutProcesses: [] };
}

function factsSaid(factsFile: string | null): Partial<MachineFacts> & SaidOnly {
  return factsFile === null ? {} : readFactsFile(factsFile);
}

/** What is said of a machine whose facts cannot be gathered. @param root absolute path */
export function unknownMachine(root: string): MachineFacts {
  const name = root === '/' ? os.hostname() : path.basename(root);
  const unknown = {
    model: null,
    serial: null,
    hardwareUuid: null,
    macs: [],
    user: null,
    processes: [],
    cutProcesses: [],
    provisioning: {},
    provisioningComplete: false,
  };
  return { name, os: { name: 'unknown', version: 'unknown' }, cpu: 'unknown', ...unknown };
}

function readFactsFile(file: string): Partial<MachineFacts> & SaidOnly {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw factsError(file, (error as Error).message, error);
  }
  if (text.length > MAX_FACTS_BYTES) throw factsError(file, 'it is larger than 1 MiB');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw factsError(file, (error as Error).message, error);
  }
  const problem = factsProblem(value);
  if (problem !== null) throw factsError(file, problem);
  return value as Partial<MachineFacts> & SaidOnly;
}

function factsError(file: string, why: string, cause?: unknown): D3Error {
  return new D3Error('FACTS_FILE', 'usage', `The facts file cannot be used: ${why}.`, {
    target: file,
    actions: [`it is JSON with any of: ${FACT_KEYS.join(', ')}`],
    cause,
  });
}

function factsProblem(value: unknown): string | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'it is not a JSON object';
  const facts = value as Record<string, unknown>;
  const unknown = Object.keys(facts).filter((key) => !FACT_KEYS.includes(key));
  if (unknown.length > 0) return `it names ${unknown.join(', ')}`;
  for (const key of ['name', 'cpu', 'model', 'serial', 'hardwareUuid', 'user', 'boot', 'systemUpdate']) {
    if (facts[key] !== undefined && typeof facts[key] !== 'string') return `${key} is not a string`;
  }
  for (const key of ['macs', 'processes']) {
    const list = facts[key];
    if (list !== undefined && !(Array.isArray(list) && list.every((item) => typeof item === 'string'))) {
      return `${key} is not a list of strings`;
    }
  }
  if (facts['battery'] !== undefined && !isBattery(facts['battery']))
    return 'battery is not {"charging": true or false, "percent": 0 to 100}';
  const { provisioning = {} } = facts;
  const isText = (value: unknown) => typeof value === 'string';
  if (typeof provisioning !== 'object' || provisioning === null || !Object.values(provisioning).every(isText))
    return 'provisioning is not names with strings';
  if (facts['os'] !== undefined && !isOperatingSystem(facts['os']))
    return 'os is not {"name": …, "version": …}, with "like": […] or without';
  return null;
}

function isOperatingSystem(value: unknown): boolean {
  const { name, version, like = [] } = (value ?? {}) as Record<string, unknown>;
  const isList = Array.isArray(like) && like.every((item) => typeof item === 'string');
  return typeof name === 'string' && typeof version === 'string' && isList;
}

function isBattery(value: unknown): boolean {
  const { charging, percent } = (value ?? {}) as Record<string, unknown>;
  return typeof charging === 'boolean' && typeof percent === 'number' && percent >= 0 && percent <= 100;
}

function hostMacs(): string[] {
  const all = Object.values(os.networkInterfaces()).flatMap((list) => list ?? []);
  return [...new Set(all.filter((net) => !net.internal).map((net) => net.mac))].toSorted();
}
