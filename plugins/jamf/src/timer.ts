import path from 'node:path';
import { D3Error, launchdJob, systemdCommand, type TriggerFiles } from '@d3/sdk';

/** What has the depot pull by itself. */
export interface Timer {
  /** Absolute path of d3 on the machine. */
  program: string;
  /** Absolute path of the depot's folder. */
  depot: string;
  /** Who acts, in the depot's history. */
  admin: string;
  /** Seconds from the end of one to the next. */
  every: number;
}

const LABEL = 'org.d3.jamf-pull';
const LEAST = 60;

/** @throws D3Error usage for what no timer can be made of */
export function timerOf(said: { program: string; depot: unknown; admin: unknown; every: number }): Timer {
  const { program, depot, admin, every } = said;
  const wrong = (text: string, target: string, next: string) =>
    new D3Error('JAMF_TIMER', 'usage', text, { target, actions: [next] });
  if (typeof depot !== 'string' || !path.isAbsolute(depot) || /\p{Cc}/u.test(depot))
    throw wrong('The folder of the depot is named by its absolute path', '--depot', 'Name it: --depot /var/lib/depot');
  if (typeof admin !== 'string' || !/^[\w.@-]{1,100}$/.test(admin))
    throw wrong('Somebody has to be named who acts when nobody is there', '--admin', 'Name one: --admin jamf-pull');
  if (every < LEAST) throw wrong(`${every} seconds is more often than a server bears`, '--every', 'Say 5m or more.');
  return { program, depot, admin, every };
}

/** @param timer null where only the places count */
export function timerFiles(timer: Timer | null, platform: NodeJS.Platform): TriggerFiles {
  const { program, depot, admin, every } = timer ?? { program: '', depot: '', admin: '', every: 0 };
  const words = [program, 'jamf', 'pull', '--depot', depot, '--admin', admin, '--no-input'];
  if (platform === 'darwin') return { files: [{ name: `${LABEL}.plist`, text: launchdJob(LABEL, words, { every }) }] };
  return {
    files: [
      { name: 'd3-jamf-pull.service', text: serviceUnit(words) },
      { name: 'd3-jamf-pull.timer', text: timerUnit(every) },
    ],
    units: [{ name: 'd3-jamf-pull.timer', now: true }],
  };
}

function serviceUnit(words: readonly string[]): string {
  return `[Unit]
Description=Bring what Jamf Pro knows into the depot
Documentation=man:d3(1)
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
ExecStart=${systemdCommand(words)}
Nice=10
PrivateTmp=yes
TimeoutStartSec=6h
`;
}

function timerUnit(every: number): string {
  return `[Unit]
Description=Bring what Jamf Pro knows into the depot every ${every} seconds

[Timer]
OnBootSec=5min
OnUnitInactiveSec=${every}s
RandomizedDelaySec=${Math.ceil(every / 10)}s

[Install]
WantedBy=timers.target
`;
}
