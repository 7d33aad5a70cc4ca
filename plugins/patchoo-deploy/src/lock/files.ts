import { writePlist } from '@d3/flatpkg';
import { systemdCommand, type TriggerFiles } from '@d3/sdk';

/** What starts the lock by itself: at a Mac's login window, and on Linux where a display manager would stand. */

const AGENT = 'org.d3.provision.lock';
const DAEMON = 'org.d3.provision.lock.session';
const UNIT = 'd3-provision-lock.service';
const WORDS = ['provision', 'lock', '--no-input'];

/** @param program absolute path of d3 on the machine */
export function lockFiles(program: string, platform: NodeJS.Platform): TriggerFiles {
  const words = [program, ...WORDS];
  if (platform !== 'darwin') return { files: [{ name: UNIT, text: unit(words) }], units: [{ name: UNIT, now: false }] };
  return {
    files: [
      { name: `${AGENT}.plist`, text: job(AGENT, [...words, '--at', 'login'], 'LoginWindow'), agent: true },
      { name: `${DAEMON}.plist`, text: job(DAEMON, [...words, '--at', 'session'], null) },
    ],
  };
}

/**
 * At the login window only what is started in that session may draw; before somebody who is logged in, and before Setup Assistant's own
 * user, what the system started may. Each is started again when it fails or is killed, and stays away when it ended well, which is when
 * the deployment is over.
 */
function job(label: string, words: readonly string[], session: 'LoginWindow' | null): string {
  return writePlist({
    Label: label,
    ProgramArguments: [...words],
    ...(session === null ? {} : { LimitLoadToSessionType: session }),
    RunAtLoad: true,
    KeepAlive: { SuccessfulExit: false },
    ThrottleInterval: 5,
    ProcessType: 'Interactive',
  });
}

/** Absolute on every Linux with systemd. */
const SYSTEMCTL = '/usr/bin/systemctl';

/**
 * Has the screen in the place of the display manager: that one starts when the lock has ended well. One that dies is started again
 * before anybody gets in; one that can never start shuts nobody out, for then the display manager comes.
 */
function unit(words: readonly string[]): string {
  return `[Unit]
Description=Lock the screen of this machine while it is provisioned
Documentation=man:d3(1)
After=systemd-user-sessions.service systemd-logind.service
Before=display-manager.service
OnFailure=display-manager.service
StartLimitIntervalSec=5min
StartLimitBurst=20

[Service]
Type=oneshot
ExecStartPre=-${SYSTEMCTL} stop --no-block display-manager.service
ExecStart=${systemdCommand(words)}
ExecStartPost=-${SYSTEMCTL} start --no-block display-manager.service
Restart=on-failure
RestartSec=5
TimeoutStartSec=infinity
TimeoutStopSec=30
KillMode=mixed

[Install]
WantedBy=graphical.target
`;
}
