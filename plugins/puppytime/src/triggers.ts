import { D3Error, launchdJob, systemdCommand, type TriggerFiles, type TriggersPort } from '@d3/sdk';

/** What may start puppytime by itself. */
export const KINDS = ['login-window', 'shutdown', 'boot', 'logout-policy', 'self-service'] as const;
export type Kind = (typeof KINDS)[number];

interface Trigger {
  summary: string;
  /** Where it can be laid down; null: it is one line for whatever else starts programs there. */
  platform: 'darwin' | 'linux' | null;
  /** @param program absolute path of d3 on the machine */
  files(program: string): TriggerFiles;
  line(program: string): string;
}

/** Twelve o'clock: machines are on, and people leave them alone for a while. */
const DEADLINE = { hour: 12, minute: 0 };
const WORDS = ['puppytime', 'run', '--no-input'];

const TRIGGERS: Record<Kind, Trigger> = {
  'login-window': {
    summary: 'at the login window of a Mac, after every start and logout; and once a day, for whoever never logs out',
    platform: 'darwin',
    files: (program) => ({
      files: [
        {
          name: 'org.d3.puppytime.plist',
          text: launchdJob('org.d3.puppytime', [program, ...WORDS], { session: 'LoginWindow' }),
          agent: true,
        },
        {
          name: 'org.d3.puppytime.deadline.plist',
          text: launchdJob('org.d3.puppytime.deadline', [program, ...WORDS], { daily: DEADLINE }),
        },
      ],
    }),
    line: () => '',
  },
  shutdown: {
    summary: 'when a Linux machine is shut down or restarted',
    platform: 'linux',
    files: (program) => unit('d3-puppytime-shutdown.service', shutdownUnit(program)),
    line: () => '',
  },
  boot: {
    summary: 'when a Linux machine starts, before anybody can log in',
    platform: 'linux',
    files: (program) => unit('d3-puppytime-boot.service', bootUnit(program)),
    line: () => '',
  },
  'logout-policy': {
    summary: 'one line for a policy of Jamf Pro with the trigger logout',
    platform: null,
    files: () => ({ files: [] }),
    line: (program) => `${program} ${WORDS.join(' ')}`,
  },
  'self-service': {
    summary: 'one line for an item of Self Service, or of whatever else lets users start something',
    platform: null,
    files: () => ({ files: [] }),
    line: (program) => `${program} ${WORDS.join(' ')}`,
  },
};

function unit(name: string, text: string): TriggerFiles {
  // What is done at a shutdown has to be begun before: it is when the machine starts, and now.
  return { files: [{ name, text }], units: [{ name, now: name.includes('shutdown') }] };
}

/** It does nothing when it is started; what it has to do it does when it is stopped, before the network and disks go. */
function shutdownUnit(program: string): string {
  // The machine goes down anyway: that is the restart, or the next start is.
  return `[Unit]
Description=Install what waits for a restart when this machine goes down
Documentation=man:d3(1)
After=network-online.target
Wants=network-online.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true
ExecStop=${systemdCommand([program, ...WORDS, '--no-reboot'])}
SuccessExitStatus=42
TimeoutStopSec=2h
KillMode=mixed

[Install]
WantedBy=multi-user.target
`;
}

function bootUnit(program: string): string {
  return `[Unit]
Description=Install what waits for a restart before anybody logs in
Documentation=man:d3(1)
After=network-online.target
Wants=network-online.target
Before=display-manager.service getty.target systemd-user-sessions.service

[Service]
Type=oneshot
ExecStart=${systemdCommand([program, ...WORDS])}
SuccessExitStatus=42
TimeoutStartSec=2h
KillMode=mixed

[Install]
WantedBy=multi-user.target
`;
}

/** What was done about a trigger, or stands of one. */
export type TriggerShown = {
  kind: Kind;
  summary: string;
  /** Absolute paths of its files. */
  files: string[];
  installed: boolean;
  active: boolean | null;
  /** What somebody has to put where it belongs; null: d3 laid it down itself. */
  line: string | null;
};

export interface TriggerWork {
  platform: NodeJS.Platform;
  triggers: TriggersPort;
  dryRun: boolean;
}

/** @throws D3Error usage for a kind that is of another system */
export async function installTrigger(kind: Kind, { platform, triggers, dryRun }: TriggerWork): Promise<TriggerShown> {
  const trigger = TRIGGERS[kind];
  requireHere(kind, trigger, platform);
  const program = await triggers.program();
  if (trigger.platform === null)
    return shown(kind, { files: [], installed: false, active: null }, trigger.line(program));
  const done = await triggers.install(trigger.files(program), { dryRun });
  return shown(kind, done, null);
}

/** @throws D3Error usage for a kind that is of another system, or was never laid down */
export async function removeTrigger(kind: Kind, { platform, triggers, dryRun }: TriggerWork): Promise<TriggerShown> {
  const trigger = TRIGGERS[kind];
  requireHere(kind, trigger, platform);
  if (trigger.platform === null) {
    throw new D3Error('TRIGGER_ELSEWHERE', 'usage', `${kind} is kept where its line was put, not by d3.`, {
      target: kind,
      actions: ['take it away there'],
    });
  }
  return shown(kind, await triggers.remove(trigger.files(''), { dryRun }), null);
}

/** What stands of each kind that this system knows; of one alone where it is named. */
export async function triggersHere(
  kind: Kind | null,
  { platform, triggers }: Omit<TriggerWork, 'dryRun'>,
): Promise<TriggerShown[]> {
  const wanted = KINDS.filter((name) => (kind === null ? TRIGGERS[name].platform === hereOf(platform) : name === kind));
  if (kind !== null) requireHere(kind, TRIGGERS[kind], platform);
  return Promise.all(
    wanted.map(async (name) => {
      const trigger = TRIGGERS[name];
      if (trigger.platform === null)
        return shown(name, { files: [], installed: false, active: null }, trigger.line(await triggers.program()));
      return shown(name, await triggers.state(trigger.files('')), null);
    }),
  );
}

function shown(
  kind: Kind,
  { files, installed, active }: { files: readonly string[]; installed: boolean; active: boolean | null },
  line: string | null,
): TriggerShown {
  return { kind, summary: TRIGGERS[kind].summary, files: [...files], installed, active, line };
}

function hereOf(platform: NodeJS.Platform): 'darwin' | 'linux' {
  return platform === 'darwin' ? 'darwin' : 'linux';
}

function requireHere(kind: Kind, { platform: wanted }: Trigger, platform: NodeJS.Platform): void {
  if (wanted === null || wanted === hereOf(platform)) return;
  const others = KINDS.filter(
    (name) => TRIGGERS[name].platform === hereOf(platform) || TRIGGERS[name].platform === null,
  );
  throw new D3Error('TRIGGER_SYSTEM', 'usage', `${kind} is for ${wanted === 'darwin' ? 'Macs' : 'Linux'}.`, {
    target: kind,
    actions: [`one of these: ${others.join(', ')}`],
  });
}
