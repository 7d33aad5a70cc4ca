import path from 'node:path';
import { D3Error } from '@d3/sdk';
import type { RunProgram } from './program.ts';
import { LINUX_PROGRAMS, MAC_PROGRAMS } from './programs.ts';

export type ServiceAction = 'start' | 'stop' | 'restart' | 'enable' | 'disable';

/** The services of the system that runs. */
export interface Services {
  /** @returns null when the system does not say */
  isActive(name: string): Promise<boolean | null>;
  /** @throws D3Error failed with what the system said */
  act(name: string, action: ServiceAction): Promise<void>;
}

const TIMEOUT = 300_000;

/** By systemd, or on macOS by launchd in its system domain. */
export function servicesOf(root: string, platform: NodeJS.Platform, run: RunProgram): Services {
  if (root !== '/') return { isActive: async () => null, act: async (name) => Promise.reject(noServices(root, name)) };
  return platform === 'darwin' ? launchd(run) : systemd(run);
}

function noServices(root: string, name: string): D3Error {
  return new D3Error('NO_SERVICES', 'refused', `${root} is a folder: no services run there.`, {
    target: name,
    actions: ['leave the step out there: "when": {"fact": "machine.root", "is": "/"}'],
  });
}

function systemd(run: RunProgram): Services {
  const program = LINUX_PROGRAMS.systemctl;
  return {
    async isActive(name) {
      return (await run({ program, args: ['is-active', '--quiet', '--', name], timeout: TIMEOUT })).code === 0;
    },
    act: (name, action) => done(run, program, [action, '--', name], name),
  };
}

const LAUNCHD: Readonly<Record<ServiceAction, readonly string[]>> = {
  start: ['kickstart'],
  stop: ['kill', 'SIGTERM'],
  restart: ['kickstart', '-k'],
  enable: ['enable'],
  disable: ['disable'],
};

function launchd(run: RunProgram): Services {
  const program = MAC_PROGRAMS.launchctl;
  return {
    async isActive(name) {
      const { code, stdout } = await run({ program, args: ['print', `system/${name}`], timeout: TIMEOUT });
      return code === 0 && /^\s*state = running$/m.test(stdout);
    },
    act: (name, action) => done(run, program, [...LAUNCHD[action], `system/${name}`], name),
  };
}

async function done(run: RunProgram, program: string, args: string[], name: string): Promise<void> {
  const { code, lastLines } = await run({ program, args, timeout: TIMEOUT });
  if (code === 0) return;
  const said = lastLines.join(' ') || `it ended with ${code}`;
  throw new D3Error('SERVICE_ACTION', 'failed', `${path.basename(program)} ${args.join(' ')} failed: ${said}.`, {
    target: name,
  });
}
