import path from 'node:path';
import { writePlist } from '@d3/flatpkg';
import { systemdWord } from '@d3/sdk';
import type { MachinePaths } from '../platform/paths.ts';
import type { RunProgram } from '../platform/program.ts';
import {
  type LaidSchedule,
  layDown,
  type ServiceChange,
  type StandingSchedule,
  standing,
  takeAway,
} from '../platform/schedules.ts';

/** The schedule by which a depot's host renews its signatures and its copies, once a day. */
export interface DepotSchedule {
  /** Absolute path of d3. */
  program: string;
  /** Absolute path of the depot's folder. */
  depot: string;
  /** Who owns it, as the system numbers users; 0 is root. */
  uid: number;
}

export interface DepotServiceParts {
  paths: Pick<MachinePaths, 'root' | 'systemdUnits' | 'launchDaemon'>;
  platform: NodeJS.Platform;
  run: RunProgram;
}

const MARK = 'Written by d3 depot service install';
const LABEL = 'org.d3.depot';
const TIMER = 'd3-depot.timer';

export function installDepotService(
  schedule: DepotSchedule,
  parts: DepotServiceParts,
  options: { dryRun: boolean },
): Promise<ServiceChange> {
  return layDown(laid(schedule, parts), placesIn(parts), options);
}

export function removeDepotService(parts: DepotServiceParts, options: { dryRun: boolean }): Promise<ServiceChange> {
  return takeAway(laid(ANY, parts), placesIn(parts), options);
}

export function depotServiceStatus(parts: DepotServiceParts): Promise<StandingSchedule> {
  return standing(laid(ANY, parts), placesIn(parts), { unit: TIMER, label: LABEL });
}

/** Where only the places count. */
const ANY: DepotSchedule = { program: '', depot: '', uid: 0 };

function placesIn({ paths: { root }, platform, run }: DepotServiceParts) {
  return { root, platform, run };
}

function wordsOf({ program, depot }: DepotSchedule): string[] {
  return [program, 'depot', 'publish', '--renew', '--depot', depot, '--no-input'];
}

function laid(schedule: DepotSchedule, { paths, platform }: DepotServiceParts): LaidSchedule {
  const daemon = path.join(path.dirname(paths.launchDaemon), `${LABEL}.plist`);
  const files = platform === 'darwin' ? { [daemon]: launchdOf(schedule) } : systemdOf(schedule, paths.systemdUnits);
  return { mark: MARK, files, units: [{ name: TIMER, now: true }], daemons: [{ label: LABEL, file: daemon }] };
}

function systemdOf(schedule: DepotSchedule, folder: string): Record<string, string> {
  // A share or a disk may not be there yet when its time comes; the next day is soon enough for what lasts thirty.
  return {
    [path.join(folder, 'd3-depot.service')]: `# ${MARK}
[Unit]
Description=Renew what the depot signs, and its copies
Documentation=man:d3(1)
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
User=${schedule.uid}
ExecStart=${wordsOf(schedule).map(systemdWord).join(' ')}
Nice=10
PrivateTmp=yes
TimeoutStartSec=12h
`,
    [path.join(folder, TIMER)]: `# ${MARK}
[Unit]
Description=Renew what the depot signs every day

[Timer]
OnCalendar=daily
RandomizedDelaySec=1h
Persistent=true

[Install]
WantedBy=timers.target
`,
  };
}

function launchdOf(schedule: DepotSchedule): string {
  return writePlist(
    {
      Label: LABEL,
      ProgramArguments: wordsOf(schedule),
      StartCalendarInterval: { Hour: 4, Minute: 20 },
      RunAtLoad: true,
      ProcessType: 'Background',
      Nice: 10,
    },
    MARK,
  );
}
