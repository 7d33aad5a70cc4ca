import { D3Error, type PluginContext, type ProgramResult } from '@d3/sdk';

/** The service of the Puppet agent: off, also after a restart, until a deployment hands the host over to it. */

/** What it was before; `preset`: a folder, in which systemd finds what to do when it first starts. */
export type ServiceBefore =
  | { kind: 'systemd' | 'launchd'; enabled: boolean; active: boolean }
  | { kind: 'preset' }
  | { kind: 'none' };

const SYSTEMCTL = '/usr/bin/systemctl';
const LAUNCHCTL = '/bin/launchctl';
const UNIT = 'puppet.service';
const JOB = 'system/puppet';
const PLIST = '/Library/LaunchDaemons/com.puppetlabs.puppet.plist';
const PRESET = '/etc/systemd/system-preset/10-d3-puppet.preset';
const PRESET_TEXT = `# d3 client setup: the agent runs when a deployment hands the host over to it.\ndisable ${UNIT}\n`;
const TIMEOUT = 300_000;

type Ports = Pick<PluginContext, 'programs' | 'files' | 'root'>;

async function systemctl(ports: Ports, ...args: string[]): Promise<{ ok: boolean; said: string }> {
  const { code, stdout, lastLines } = await ports.programs.run({ program: SYSTEMCTL, args, timeout: TIMEOUT });
  return { ok: code === 0, said: stdout.trim() || lastLines.join(' ') };
}

/**
 * @param remember told what it was, before anything is done
 * @returns what it was, null where it is off already
 */
export async function switchOff(
  ports: Ports,
  platform: NodeJS.Platform,
  remember: (before: ServiceBefore) => void,
): Promise<ServiceBefore | null> {
  const before = await stateOf(ports, platform);
  if (before === null) return null;
  remember(before);
  switch (before.kind) {
    case 'preset':
      await ports.files.edit(PRESET, () => PRESET_TEXT, { mode: 0o644, folders: 0o755 });
      break;
    case 'systemd': {
      const { ok, said } = await systemctl(ports, 'disable', '--now', UNIT);
      if (!ok) throw notSwitched('off', said);
      break;
    }
    case 'launchd': {
      const { code, lastLines } = await launchctl(ports, 'disable', JOB);
      if (code !== 0) throw notSwitched('off', lastLines.join(' '));
      if (before.active) await launchctl(ports, 'bootout', JOB);
      break;
    }
    default:
  }
  return before;
}

/** @returns null where it is off already */
async function stateOf(ports: Ports, platform: NodeJS.Platform): Promise<ServiceBefore | null> {
  const { programs, files, root } = ports;
  if (root !== '/') {
    const there = await files.read(PRESET, PRESET_TEXT.length * 10);
    return there?.bytes.toString('utf8') === PRESET_TEXT ? null : { kind: 'preset' };
  }
  if (platform === 'darwin') return launchdState(ports);
  if (programs.find(SYSTEMCTL) === null) return { kind: 'none' };
  const [enabled, active] = [await systemctl(ports, 'is-enabled', UNIT), await systemctl(ports, 'is-active', UNIT)];
  if (!enabled.ok && !active.ok) return null;
  return { kind: 'systemd', enabled: enabled.ok, active: active.ok };
}

async function launchdState(ports: Ports): Promise<ServiceBefore | null> {
  const { stdout } = await launchctl(ports, 'print-disabled', 'system');
  const enabled = !/"puppet" => (?:disabled|true)/.test(stdout);
  const active = (await launchctl(ports, 'print', JOB)).code === 0;
  return enabled || active ? { kind: 'launchd', enabled, active } : null;
}

function launchctl({ programs }: Ports, ...args: string[]): Promise<ProgramResult> {
  return programs.run({ program: LAUNCHCTL, args, timeout: TIMEOUT });
}

/** As it was before. */
export async function switchBack(before: ServiceBefore, ports: Ports): Promise<void> {
  switch (before.kind) {
    case 'preset':
      await ports.files.edit(PRESET, (text) => (text === PRESET_TEXT ? null : text), { mode: 0o644 });
      return;
    case 'systemd': {
      const actions = [...(before.enabled ? ['enable'] : []), ...(before.active ? ['start'] : [])];
      for (const action of actions) {
        const { ok, said } = await systemctl(ports, action, UNIT);
        if (!ok) throw notSwitched('back', said);
      }
      return;
    }
    case 'launchd': {
      if (before.enabled) await launchctl(ports, 'enable', JOB);
      if (before.active) await launchctl(ports, 'bootstrap', 'system', PLIST);
      return;
    }
    default:
  }
}

function notSwitched(how: string, said: string): D3Error {
  return new D3Error('AGENT_SERVICE', 'failed', `The service of the Puppet agent was not switched ${how}: ${said}.`, {
    target: UNIT,
    actions: [`see systemctl status ${UNIT}`],
  });
}
