import { createHash } from 'node:crypto';
import { type WrittenPlist, writePlist } from '@d3/flatpkg';
import { systemdWord } from '@d3/sdk';

/** How a schedule is laid down for the system that keeps it. */
export interface Schedule {
  /** Absolute path of d3 on the machine. */
  program: string;
  /** Seconds between two syncs, on average. */
  every: number;
  /** Anything that stays the same on one machine and differs between machines: so that a fleet does not come all at once. */
  machine: string;
}

/** Marks a file as ours: only such ones are ever changed or removed. */
export const MARK = 'Written by d3 service install';
export const LABEL = 'org.d3.sync';
export const RESUME_LABEL = 'org.d3.resume';

/** A sync comes between 75 % and 125 % of the time after the last, so that a fleet does not come all at once. */
export function spreadOf({ every }: Pick<Schedule, 'every'>): { least: number; spread: number } {
  const least = Math.round(every * 0.75);
  return { least, spread: Math.round(every * 0.5) };
}

/** The units of systemd by their names: the sync, its timer, one that syncs after waking up, and what goes on with runs at start. */
export function systemdUnits(schedule: Schedule): Record<string, string> {
  const { least, spread } = spreadOf(schedule);
  const command = `${systemdWord(schedule.program)} sync --if-idle --no-input`;
  const work = `Type=oneshot
ExecStart=${command}
Nice=10
IOSchedulingClass=best-effort
IOSchedulingPriority=7
PrivateTmp=yes
KillMode=mixed
TimeoutStopSec=5min
TimeoutStartSec=12h`;
  return {
    'd3-sync.service': `# ${MARK}
[Unit]
Description=Bring this machine to what its depot wants of it
Documentation=man:d3(1)
Wants=network-online.target
After=network-online.target

[Service]
${work}
`,
    'd3-sync.timer': `# ${MARK}
[Unit]
Description=Sync with the depot every ${schedule.every} seconds, more or less a quarter

[Timer]
OnBootSec=2min
OnUnitActiveSec=${least}s
RandomizedDelaySec=${spread}s
AccuracySec=30s

[Install]
WantedBy=timers.target
`,
    'd3-sync-wake.service': `# ${MARK}
[Unit]
Description=Sync with the depot after waking up
After=suspend.target hibernate.target hybrid-sleep.target

[Service]
${work}

[Install]
WantedBy=suspend.target hibernate.target hybrid-sleep.target
`,
    'd3-resume.service': `# ${MARK}
[Unit]
Description=Go on with what d3 was at when this machine was restarted
Documentation=man:d3(1)
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
ExecStart=${systemdWord(schedule.program)} run resume --all --no-input
TimeoutStartSec=infinity
PrivateTmp=yes
KillMode=mixed
TimeoutStopSec=5min

[Install]
WantedBy=multi-user.target
`,
  };
}

const MINUTES_OF_A_DAY = 1440;
/** More times of the day than these are no list any more. */
const MOST_TIMES = 288;

/**
 * When launchd starts a sync. Times of the day are made up for after waking up, where intervals are not; each machine has its own.
 * What comes more often than every five minutes, or not even once a day, comes by interval.
 */
function launchdTimes({ every, machine }: Schedule): Record<string, WrittenPlist> {
  const minutes = Math.round(every / 60);
  const times = Math.ceil(MINUTES_OF_A_DAY / minutes);
  if (times > MOST_TIMES || minutes > MINUTES_OF_A_DAY) return { StartInterval: every };
  const first = createHash('sha256').update(machine).digest().readUInt32BE() % minutes;
  const StartCalendarInterval = Array.from({ length: times }, (_, at) => first + at * minutes)
    .filter((minute) => minute < MINUTES_OF_A_DAY)
    .map((minute) => ({ Hour: Math.floor(minute / 60), Minute: minute % 60 }));
  return { StartCalendarInterval };
}

/** The property list of launchd's daemon. It runs at load, at its times, and after waking up when one of them was slept through. */
export function launchdPlist(schedule: Schedule): string {
  // Two waits in a row make the time between two syncs a quarter shorter or longer at most.
  const wait = Math.round(schedule.every / 4);
  return writePlist(
    {
      Label: LABEL,
      ProgramArguments: [schedule.program, 'sync', '--if-idle', '--no-input', '--spread', `${wait}s`],
      ...launchdTimes(schedule),
      RunAtLoad: true,
      ProcessType: 'Background',
      LowPriorityIO: true,
      Nice: 10,
      ExitTimeOut: 300,
    },
    MARK,
  );
}

/** The property list of the daemon that goes on with runs at every start. */
export function launchdResumePlist({ program }: Pick<Schedule, 'program'>): string {
  return writePlist(
    {
      Label: RESUME_LABEL,
      ProgramArguments: [program, 'run', 'resume', '--all', '--no-input'],
      RunAtLoad: true,
      ExitTimeOut: 300,
    },
    MARK,
  );
}

/** Node as its makers sign it. */
const NODE_REQUIREMENT = 'identifier "node" and anchor apple generic and certificate leaf[subject.OU] = HX7739G8FX';

/**
 * The profile an admin deploys: d3's daemon stays switched on, and its Node may reach what it installs.
 * @param node absolute path of the Node that d3 runs with on the machines
 */
export function profile(node: string): string {
  const managed = payload('com.apple.servicemanagement', 'login-items', {
    Rules: [{ RuleType: 'LabelPrefix', RuleValue: 'org.d3.', Comment: 'd3' }],
  });
  const access = {
    Identifier: node,
    IdentifierType: 'path',
    CodeRequirement: NODE_REQUIREMENT,
    StaticCode: false,
    Authorization: 'Allow',
  };
  const privacy = payload('com.apple.TCC.configuration-profile-policy', 'privacy', {
    Services: { SystemPolicyAllFiles: [access] },
  });
  return writePlist({
    PayloadContent: [managed, privacy],
    PayloadDisplayName: 'd3',
    PayloadDescription: 'Keeps the schedule of d3 switched on and lets it reach what it installs.',
    PayloadIdentifier: 'org.d3.profile',
    PayloadScope: 'System',
    PayloadType: 'Configuration',
    PayloadUUID: uuidOf('org.d3.profile'),
    PayloadVersion: 1,
  });
}

function payload(type: string, name: string, content: Record<string, WrittenPlist>): Record<string, WrittenPlist> {
  const identifier = `org.d3.profile.${name}`;
  return {
    PayloadType: type,
    PayloadIdentifier: identifier,
    PayloadUUID: uuidOf(identifier),
    PayloadVersion: 1,
    ...content,
  };
}

/** The same for the same name, so that a profile that is made again takes the place of the old one. */
function uuidOf(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  const variant = ((Number.parseInt(hex[16] as string, 16) & 0x3) | 0x8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `5${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ]
    .join('-')
    .toUpperCase();
}
