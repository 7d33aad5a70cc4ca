import { writePlist } from '@d3/flatpkg';
import { systemdCommand, type TriggerFiles } from '@d3/sdk';

/**
 * What sets a machine up that came from an image or a network: it is there from the first start, waits until the machine is enrolled and
 * its depot answers, sets it up and takes itself away.
 */

const LABEL = 'org.d3.provision.setup';
const UNIT = 'd3-provision-setup.service';
const WORDS = ['provision', 'setup', '--wait', '4h', '--no-input'];

/** @param program absolute path of d3 on the machine */
export function companionFiles(program: string, platform: NodeJS.Platform = process.platform): TriggerFiles {
  const words = [program, ...WORDS];
  if (platform !== 'darwin') return { files: [{ name: UNIT, text: unit(words) }], units: [{ name: UNIT, now: false }] };
  const text = writePlist({
    Label: LABEL,
    ProgramArguments: words,
    RunAtLoad: true,
    KeepAlive: { SuccessfulExit: false },
    ThrottleInterval: 10,
    ProcessType: 'Interactive',
  });
  return { files: [{ name: `${LABEL}.plist`, text }] };
}

/** Tried again until it has done its work: what is set up already it only completes. */
function unit(words: readonly string[]): string {
  return `[Unit]
Description=Set this machine up once it is enrolled
Documentation=man:d3(1)
After=network-online.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=${systemdCommand(words)}
Restart=on-failure
RestartSec=10
KillMode=mixed
TimeoutStopSec=1min

[Install]
WantedBy=multi-user.target
`;
}
