import { lstatSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { D3Error } from '@d3/sdk';
import type { MachinePaths } from '../platform/paths.ts';
import type { RunProgram } from '../platform/program.ts';
import { LINUX_PROGRAMS, MAC_PROGRAMS } from '../platform/programs.ts';
import { replaceFile } from '../platform/replace-file.ts';
import { makeFolder } from '../platform/rootfs.ts';
import {
  LABEL,
  launchdPlist,
  launchdResumePlist,
  MARK,
  RESUME_LABEL,
  type Schedule,
  systemdUnits,
} from './service-units.ts';
import { StateReader } from './state/state.ts';

export interface ServiceParts {
  paths: MachinePaths;
  platform: NodeJS.Platform;
  run: RunProgram;
}

/** What was done to the schedule. */
export interface ServiceChange {
  files: string[];
  /** Whether the system was told; only the one that runs can be. */
  active: boolean;
  /** Nothing was done: this is what would be. */
  dryRun: boolean;
}

export interface ServiceStatus {
  installed: boolean;
  files: string[];
  /** Null: this root is not the system that runs. */
  active: boolean | null;
  /** As the system says it; null when it does not. */
  next: string | null;
  /** ISO 8601: the last sync that went well. */
  lastSync: string | null;
  /** The last sync of all; null when none is on record. */
  lastRun: { at: string; exit: number } | null;
}

const TIMEOUT = 60_000;

/** Lays the schedule down, and starts it on the system that runs. Doing it again changes what has changed. */
export async function installService(
  schedule: Schedule,
  parts: ServiceParts,
  { dryRun }: { dryRun: boolean } = { dryRun: false },
): Promise<ServiceChange> {
  const files = wanted(schedule, parts);
  for (const file of Object.keys(files)) refuseForeign(file);
  if (dryRun) return { files: Object.keys(files), active: parts.paths.root === '/', dryRun };
  for (const [file, text] of Object.entries(files)) {
    makeFolder(path.dirname(file), 0o755);
    if (textOf(file) !== text) replaceFile(file, text);
  }
  const active = await activate(parts);
  return { files: Object.keys(files), active, dryRun };
}

/** Stops the schedule and takes away just what was laid down. */
export async function removeService(
  parts: ServiceParts,
  { dryRun }: { dryRun: boolean } = { dryRun: false },
): Promise<ServiceChange> {
  const files = placesOf(parts).filter((file) => textOf(file) !== null);
  for (const file of files) refuseForeign(file);
  if (dryRun) return { files, active: files.length > 0 && parts.paths.root === '/', dryRun };
  const active = files.length > 0 && (await deactivate(parts));
  for (const file of files) rmSync(file);
  if (active && parts.platform !== 'darwin') await systemctl(parts, 'daemon-reload');
  return { files, active, dryRun };
}

export async function serviceStatus(parts: ServiceParts): Promise<ServiceStatus> {
  const files = placesOf(parts).filter((file) => textOf(file)?.includes(MARK) === true);
  const state = StateReader.open(parts.paths);
  try {
    const last = state.runs().find(({ command }) => command === 'sync');
    const { active, next } = await asked(parts);
    return {
      installed: files.length === placesOf(parts).length,
      files,
      active,
      next,
      lastSync: state.lastSync(),
      lastRun: last === undefined ? null : { at: last.finishedAt, exit: last.exit },
    };
  } finally {
    state.close();
  }
}

function wanted(schedule: Schedule, { paths, platform }: ServiceParts): Record<string, string> {
  if (platform === 'darwin')
    return { [paths.launchDaemon]: launchdPlist(schedule), [paths.resumeDaemon]: launchdResumePlist(schedule) };
  const units = Object.entries(systemdUnits(schedule));
  return Object.fromEntries(units.map(([name, text]) => [path.join(paths.systemdUnits, name), text]));
}

function placesOf(parts: ServiceParts): string[] {
  return Object.keys(wanted({ program: '', every: 3600, machine: '' }, parts));
}

async function activate(parts: ServiceParts): Promise<boolean> {
  if (parts.paths.root !== '/') return false;
  if (parts.platform === 'darwin') {
    // Those of before have to go first; that none was loaded is no failure.
    await bootOut(parts);
    for (const daemon of [parts.paths.launchDaemon, parts.paths.resumeDaemon])
      await done(parts, MAC_PROGRAMS.launchctl, ['bootstrap', 'system', daemon]);
    return true;
  }
  await systemctl(parts, 'daemon-reload');
  await systemctl(parts, 'enable', '--now', 'd3-sync.timer');
  await systemctl(parts, 'enable', 'd3-sync-wake.service');
  await systemctl(parts, 'enable', 'd3-resume.service');
  return true;
}

async function deactivate(parts: ServiceParts): Promise<boolean> {
  if (parts.paths.root !== '/') return false;
  if (parts.platform === 'darwin') {
    await bootOut(parts);
    return true;
  }
  const units = placesOf(parts).filter((file) => textOf(file) !== null);
  // One that was half laid down, or that somebody took away, must not keep the rest from going.
  for (const [unit, ...how] of [['d3-sync.timer', '--now'], ['d3-sync-wake.service'], ['d3-resume.service']] as const)
    if (units.some((file) => path.basename(file) === unit)) await systemctl(parts, 'disable', ...how, unit);
  return true;
}

async function bootOut({ run }: ServiceParts): Promise<void> {
  for (const label of [LABEL, RESUME_LABEL])
    await run({ program: MAC_PROGRAMS.launchctl, args: ['bootout', `system/${label}`], timeout: TIMEOUT });
}

async function asked(parts: ServiceParts): Promise<Pick<ServiceStatus, 'active' | 'next'>> {
  if (parts.paths.root !== '/') return { active: null, next: null };
  if (parts.platform === 'darwin') {
    const args = ['print', `system/${LABEL}`];
    const { code } = await parts.run({ program: MAC_PROGRAMS.launchctl, args, timeout: TIMEOUT });
    return { active: code === 0, next: null };
  }
  const args = ['show', 'd3-sync.timer', '--property=ActiveState,NextElapseUSecMonotonic,NextElapseUSecRealtime'];
  const { code, stdout } = await parts.run({ program: LINUX_PROGRAMS.systemctl, args, timeout: TIMEOUT });
  const said = new Map(stdout.split('\n').map((line) => line.split(/=(.*)/s) as [string, string]));
  const next = said.get('NextElapseUSecRealtime') || null;
  return { active: code === 0 && said.get('ActiveState') === 'active', next };
}

function systemctl(parts: ServiceParts, ...args: string[]): Promise<void> {
  return done(parts, LINUX_PROGRAMS.systemctl, args);
}

async function done({ run }: ServiceParts, program: string, args: string[]): Promise<void> {
  const { code, lastLines } = await run({ program, args, timeout: TIMEOUT });
  if (code === 0) return;
  throw new D3Error(
    'SERVICE_FAILED',
    'failed',
    `${path.basename(program)} ${args.join(' ')} failed: ${lastLines.join(' ').replace(/\.+$/, '')}.`,
    {
      target: program,
      actions: ['the files are in place; start the schedule by hand, or run the command again'],
    },
  );
}

/** @returns null when there is none */
function textOf(file: string): string | null {
  return lstatSync(file, { throwIfNoEntry: false })?.isFile() === true ? readFileSync(file, 'utf8') : null;
}

function refuseForeign(file: string): void {
  const stat = lstatSync(file, { throwIfNoEntry: false });
  if (stat === undefined || textOf(file)?.includes(MARK) === true) return;
  throw new D3Error('SERVICE_FOREIGN', 'refused', 'Something stands there that d3 did not write.', {
    target: file,
    actions: ['look at it, and move it away if it is of no use'],
  });
}
