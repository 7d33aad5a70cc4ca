import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { saidOnly } from './machine.ts';
import type { RunProgram } from './program.ts';
import { MAC_PROGRAMS } from './programs.ts';

/** What a machine runs on when nobody has plugged it in. */
export interface Battery {
  /** It has power from outside. */
  charging: boolean;
  /** 0 to 100. */
  percent: number;
}

export interface BatteryParts {
  root: string;
  /** facts.json of a root folder. */
  facts: string | null;
  platform: NodeJS.Platform;
  run: RunProgram;
}

const TIMEOUT = 10_000;
const LINUX_SUPPLIES = '/sys/class/power_supply';

/** @returns null where there is no battery, or nothing is known of it */
export async function batteryOf({ root, facts, platform, run }: BatteryParts): Promise<Battery | null> {
  if (root !== '/') return saidOnly(facts).battery ?? null;
  if (platform !== 'darwin') return linuxBattery(LINUX_SUPPLIES);
  const args = ['-g', 'batt'];
  const answer = await run({ program: MAC_PROGRAMS.pmset, args, timeout: TIMEOUT }).catch(() => null);
  return answer?.code === 0 ? parsePmset(answer.stdout) : null;
}

/** Reads a Mac's `pmset -g batt`: where its power comes from, then one line for each battery; a UPS is none of the machine's own. */
export function parsePmset(output: string): Battery | null {
  const percent = /-InternalBattery[^\n]*?\s(\d{1,3})%/.exec(output)?.[1];
  return percent === undefined ? null : { charging: /drawing from 'AC Power'/.test(output), percent: Number(percent) };
}

/** Reads the kernel's folder of power supplies: batteries of mice and pens are not the machine's. */
export function linuxBattery(folder: string): Battery | null {
  const supplies = namesIn(folder).map((name) => {
    const said = (key: string) => textOf(path.join(folder, name, key));
    return {
      type: said('type'),
      scope: said('scope'),
      online: said('online'),
      capacity: said('capacity'),
      status: said('status'),
    };
  });
  const own = supplies.filter(({ type, scope }) => type === 'Battery' && scope !== 'Device');
  const percents = own.flatMap(({ capacity }) => (/^\d{1,3}$/.test(capacity) ? [Number(capacity)] : []));
  if (percents.length === 0) return null;
  const plugged = supplies.some(({ type, online }) => type !== 'Battery' && online === '1');
  const charging = plugged || own.some(({ status }) => status === 'Charging' || status === 'Full');
  return { charging, percent: Math.max(...percents) };
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}
