import { writePlist } from '@d3/flatpkg';
import { systemdCommand, type TriggerFiles } from '@d3/sdk';

/** What goes on with a deployment: at once, apart from who set it up, and after every start of the machine, before anybody logs in. */

const WORDS = ['provision', 'run', '--no-input'];
const LABEL = 'org.d3.provision';

/** @param program absolute path of d3 on the machine */
export function bootstrapFiles(program: string, platform: NodeJS.Platform = process.platform): TriggerFiles {
  if (platform === 'darwin') {
    const text = writePlist({
      Label: LABEL,
      ProgramArguments: [program, ...WORDS],
      RunAtLoad: true,
      KeepAlive: { Crashed: true },
      ProcessType: 'Interactive',
      ExitTimeOut: 300,
    });
    return { files: [{ name: `${LABEL}.plist`, text }] };
  }
  const name = 'd3-provision.service';
  return { files: [{ name, text: unit([program, ...WORDS]) }], units: [{ name, now: true }] };
}

/** Started anew when it fails or is killed, and not when it ended well: then it is over, or waits for a person or a restart. */
function unit(words: readonly string[]): string {
  return `[Unit]
Description=Bring this machine to its wanted state before anybody logs in
Documentation=man:d3(1)
After=network-online.target
Wants=network-online.target
Before=display-manager.service
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=${systemdCommand(words)}
SuccessExitStatus=42 43 44
Restart=on-failure
RestartSec=10
KillMode=mixed
TimeoutStopSec=5min

[Install]
WantedBy=multi-user.target
`;
}
