import path from 'node:path';
import type { MachinePaths } from '../platform/paths.ts';
import type { RunProgram } from '../platform/program.ts';
import {
  type LaidSchedule,
  layDown,
  type ScheduleParts,
  type ServiceChange,
  type StandingSchedule,
  standing,
  takeAway,
} from '../platform/schedules.ts';
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

export type { ServiceChange };

export interface ServiceStatus extends StandingSchedule {
  /** ISO 8601: the last sync that went well. */
  lastSync: string | null;
  /** The last sync of all; null when none is on record. */
  lastRun: { at: string; exit: number } | null;
}

/** Lays the schedule down, and starts it on the system that runs. Doing it again changes what has changed. */
export function installService(
  schedule: Schedule,
  parts: ServiceParts,
  options: { dryRun: boolean } = { dryRun: false },
): Promise<ServiceChange> {
  return layDown(laid(schedule, parts), placesIn(parts), options);
}

/** Stops the schedule and takes away just what was laid down. */
export function removeService(
  parts: ServiceParts,
  options: { dryRun: boolean } = { dryRun: false },
): Promise<ServiceChange> {
  return takeAway(laid(ANY, parts), placesIn(parts), options);
}

export async function serviceStatus(parts: ServiceParts): Promise<ServiceStatus> {
  const state = StateReader.open(parts.paths);
  try {
    const last = state.runs().find(({ command }) => command === 'sync');
    return {
      ...(await standing(laid(ANY, parts), placesIn(parts), { unit: 'd3-sync.timer', label: LABEL })),
      lastSync: state.lastSync(),
      lastRun: last === undefined ? null : { at: last.finishedAt, exit: last.exit },
    };
  } finally {
    state.close();
  }
}

/** Where only the places count. */
const ANY: Schedule = { program: '', every: 3600, machine: '' };

function placesIn({ paths, platform, run }: ServiceParts): ScheduleParts {
  return { root: paths.root, platform, run };
}

function laid(schedule: Schedule, { paths, platform }: ServiceParts): LaidSchedule {
  const daemons = [
    { label: LABEL, file: paths.launchDaemon },
    { label: RESUME_LABEL, file: paths.resumeDaemon },
  ];
  const files =
    platform === 'darwin'
      ? { [paths.launchDaemon]: launchdPlist(schedule), [paths.resumeDaemon]: launchdResumePlist(schedule) }
      : Object.fromEntries(
          Object.entries(systemdUnits(schedule)).map(([name, text]) => [path.join(paths.systemdUnits, name), text]),
        );
  const units = [
    { name: 'd3-sync.timer', now: true },
    { name: 'd3-sync-wake.service', now: false },
    { name: 'd3-resume.service', now: false },
  ];
  return { mark: MARK, files, units, daemons };
}
