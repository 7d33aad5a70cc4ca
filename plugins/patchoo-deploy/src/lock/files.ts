import { writePlist } from '@d3/flatpkg';
import { systemdCommand, type TriggerFiles } from '@d3/sdk';

/** What starts the lock by itself: at a Mac's login window, and on Linux where a display manager would stand. */

export const LOCK_LABEL = 'org.d3.provision.lock';
export const LOCK_UNIT = 'd3-provision-lock.service';
const WORDS = ['provision', 'lock', '--no-input'];

/** @param program absolute path of d3 on the machine */
export function lockFiles(program: string, platform: NodeJS.Platform): TriggerFiles {
  const words = [program, ...WORDS];
  if (platform === 'darwin') return { files: [{ name: `${LOCK_LABEL}.plist`, text: agent(words), agent: true }] };
  return { files: [{ name: LOCK_UNIT, text: unit(words) }], units: [{ name: LOCK_UNIT, now: false }] };
}

/**
 * An agent of the login window: only what is started in that session may draw there. It is started again when it fails or is killed,
 * and stays away when it ended well, which is when the deployment is over.
 */
function agent(words: readonly string[]): string {
  return writePlist({
    Label: LOCK_LABEL,
    ProgramArguments: [...words],
    LimitLoadToSessionType: 'LoginWindow',
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
