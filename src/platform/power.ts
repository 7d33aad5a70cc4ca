import { readFileSync } from 'node:fs';
import { D3Error } from '@d3/sdk';
import { saidOnly } from './machine.ts';
import type { RunProgram } from './program.ts';
import { LINUX_PROGRAMS, MAC_PROGRAMS } from './programs.ts';

/** The power switch of a machine. */
export interface Power {
  /** Stands for the time since the machine was started: another one after each start; null when it cannot be known. */
  bootId(): Promise<string | null>;
  /**
   * Has the machine restarted; this process is stopped soon after.
   * @returns false where there is nothing to restart: a root folder
   */
  restart(): Promise<boolean>;
}

const TIMEOUT = 60_000;
const LINUX_BOOT_ID = '/proc/sys/kernel/random/boot_id';

export interface PowerParts {
  root: string;
  /** facts.json of a root folder. */
  facts: string | null;
  platform: NodeJS.Platform;
  run: RunProgram;
}

/** The machine itself, or a root folder, whose facts.json says when it counts as started anew. */
export function powerOf({ root, facts, platform, run }: PowerParts): Power {
  if (root !== '/') return { bootId: async () => saidOnly(facts).boot ?? null, restart: async () => false };
  const mac = platform === 'darwin';
  return {
    bootId: async () => (mac ? macBootId(run) : readFileSync(LINUX_BOOT_ID, 'utf8').trim()),
    async restart() {
      if (mac) await order(run, MAC_PROGRAMS.shutdown, ['-r', 'now']);
      else await order(run, LINUX_PROGRAMS.systemctl, ['reboot']);
      return true;
    },
  };
}

async function macBootId(run: RunProgram): Promise<string | null> {
  const { code, stdout } = await run({
    program: MAC_PROGRAMS.sysctl,
    args: ['-n', 'kern.bootsessionuuid'],
    timeout: TIMEOUT,
  });
  return code === 0 && stdout.trim() !== '' ? stdout.trim() : null;
}

async function order(run: RunProgram, program: string, args: string[]): Promise<void> {
  const { code, lastLines } = await run({ program, args, timeout: TIMEOUT });
  if (code === 0) return;
  throw new D3Error('RESTART_FAILED', 'failed', `${program} did not restart the machine: ${lastLines.join(' ')}.`, {
    target: program,
    actions: ['restart it by hand: the run goes on after that'],
  });
}
