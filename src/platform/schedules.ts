import { lstatSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { D3Error } from '@d3/sdk';
import { makeFolder } from './make-folder.ts';
import type { RunProgram } from './program.ts';
import { LINUX_PROGRAMS, MAC_PROGRAMS } from './programs.ts';
import { replaceFile } from './replace-file.ts';

/** What starts d3 by itself: files that launchd or systemd read, laid down and taken away. */

export interface ScheduleParts {
  /** Only on `/` is the system told; elsewhere the files are laid down and nothing is started. */
  root: string;
  platform: NodeJS.Platform;
  run: RunProgram;
}

export interface LaidSchedule {
  /** Stands in each file: only such ones are ever changed or removed. */
  mark: string;
  /** Texts by the absolute paths of their files. */
  files: Readonly<Record<string, string>>;
  /** Units of systemd that are switched on, with whether they begin at once. */
  units: readonly { name: string; now: boolean }[];
  /** Daemons of launchd. */
  daemons: readonly { label: string; file: string }[];
}

/** What was done to a schedule. */
export interface ServiceChange {
  files: string[];
  /** Whether the system was told; only the one that runs can be. */
  active: boolean;
  /** Nothing was done: this is what would be. */
  dryRun: boolean;
}

/** What stands of a schedule. */
export interface StandingSchedule {
  installed: boolean;
  files: string[];
  /** Null: this root is not the system that runs. */
  active: boolean | null;
  /** As the system says it; null when it does not. */
  next: string | null;
}

const TIMEOUT = 60_000;

/**
 * Lays a schedule down, and starts it on the system that runs. Doing it again changes what has changed.
 * @param options `now`: whether it begins at once, without being waited for, or at the next start of the machine only
 */
export async function layDown(
  schedule: LaidSchedule,
  parts: ScheduleParts,
  { dryRun, now }: { dryRun: boolean; now?: boolean | undefined },
): Promise<ServiceChange> {
  const files = Object.keys(schedule.files);
  for (const file of files) refuseForeign(file, schedule);
  if (dryRun) return { files, active: parts.root === '/', dryRun };
  for (const [file, text] of Object.entries(schedule.files)) {
    makeFolder(path.dirname(file), 0o755);
    if (textOf(file) !== text) replaceFile(file, text);
  }
  return { files, active: await activate(schedule, parts, now), dryRun };
}

/** Stops a schedule, unless what it started is to go on to its end, and takes away just what was laid down. */
export async function takeAway(
  schedule: LaidSchedule,
  parts: ScheduleParts,
  { dryRun, leaveRunning = false }: { dryRun: boolean; leaveRunning?: boolean },
): Promise<ServiceChange> {
  const files = Object.keys(schedule.files).filter((file) => textOf(file) !== null);
  for (const file of files) refuseForeign(file, schedule);
  if (dryRun) return { files, active: files.length > 0 && parts.root === '/', dryRun };
  const active = files.length > 0 && (await deactivate(schedule, files, parts, leaveRunning));
  for (const file of files) rmSync(file);
  if (active && parts.platform !== 'darwin') await systemctl(parts, 'daemon-reload');
  return { files, active, dryRun };
}

/** @param timer the unit of systemd, or the label of launchd, whose next start is asked for */
export async function standing(
  { files, mark }: LaidSchedule,
  parts: ScheduleParts,
  timer: { unit: string; label: string },
): Promise<StandingSchedule> {
  const places = Object.keys(files);
  const there = places.filter((file) => textOf(file)?.includes(mark) === true);
  return { installed: there.length === places.length, files: there, ...(await asked(parts, timer)) };
}

/** @param now left out: units as they say, daemons at once */
async function activate({ daemons, units }: LaidSchedule, parts: ScheduleParts, now?: boolean): Promise<boolean> {
  if (parts.root !== '/') return false;
  if (parts.platform === 'darwin') {
    // launchd reads what lies there at the next start by itself.
    if (now === false) return true;
    // Those of before have to go first; that none was loaded is no failure.
    await bootOut(daemons, parts);
    for (const { file } of daemons) await done(parts, MAC_PROGRAMS.launchctl, ['bootstrap', 'system', file]);
    return true;
  }
  await systemctl(parts, 'daemon-reload');
  for (const unit of units) {
    const begins = now ?? unit.now;
    await systemctl(parts, 'enable', ...(begins ? ['--now'] : []), ...(now === true ? ['--no-block'] : []), unit.name);
  }
  return true;
}

async function deactivate(
  { daemons, units }: LaidSchedule,
  files: readonly string[],
  parts: ScheduleParts,
  leaveRunning: boolean,
): Promise<boolean> {
  if (parts.root !== '/') return false;
  if (parts.platform === 'darwin') {
    if (!leaveRunning) await bootOut(daemons, parts);
    return true;
  }
  // One that was half laid down, or that somebody took away, must not keep the rest from going.
  for (const { name, now } of units)
    if (files.some((file) => path.basename(file) === name))
      await systemctl(parts, 'disable', ...(now && !leaveRunning ? ['--now'] : []), name);
  return true;
}

async function bootOut(daemons: LaidSchedule['daemons'], { run }: ScheduleParts): Promise<void> {
  for (const { label } of daemons)
    await run({ program: MAC_PROGRAMS.launchctl, args: ['bootout', `system/${label}`], timeout: TIMEOUT });
}

async function asked(
  parts: ScheduleParts,
  { unit, label }: { unit: string; label: string },
): Promise<Pick<StandingSchedule, 'active' | 'next'>> {
  if (parts.root !== '/') return { active: null, next: null };
  if (parts.platform === 'darwin') {
    const args = ['print', `system/${label}`];
    const { code } = await parts.run({ program: MAC_PROGRAMS.launchctl, args, timeout: TIMEOUT });
    return { active: code === 0, next: null };
  }
  const args = ['show', unit, '--property=ActiveState,NextElapseUSecMonotonic,NextElapseUSecRealtime'];
  const { code, stdout } = await parts.run({ program: LINUX_PROGRAMS.systemctl, args, timeout: TIMEOUT });
  const said = new Map(stdout.split('\n').map((line) => line.split(/=(.*)/s) as [string, string]));
  const next = said.get('NextElapseUSecRealtime') || null;
  return { active: code === 0 && said.get('ActiveState') === 'active', next };
}

function systemctl(parts: ScheduleParts, ...args: string[]): Promise<void> {
  return done(parts, LINUX_PROGRAMS.systemctl, args);
}

async function done({ run }: ScheduleParts, program: string, args: string[]): Promise<void> {
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

function refuseForeign(file: string, { mark }: LaidSchedule): void {
  const stat = lstatSync(file, { throwIfNoEntry: false });
  if (stat === undefined || textOf(file)?.includes(mark) === true) return;
  throw new D3Error('SERVICE_FOREIGN', 'refused', 'Something stands there that d3 did not write.', {
    target: file,
    actions: ['look at it, and move it away if it is of no use'],
  });
}
