import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { OperatingSystem } from '../catalog/limits.ts';
import { macHost } from './mac-host.ts';
import { parseOsRelease } from './os-release.ts';
import { type RunProgram, runProgram } from './program.ts';
import { LINUX_PROGRAMS, type LinuxPrograms, MAC_PROGRAMS } from './programs.ts';

/** What the host d3 runs on says of itself; each asked for when it is needed. Null: it does not say. */
export interface Host {
  name(): Promise<string | null>;
  os(): Promise<OperatingSystem>;
  /** `x86_64`, `arm64`, or Node's word for another. */
  cpu(): Promise<string>;
  /** As its maker calls it: `MacBookPro18,3`, `ThinkPad X1`. */
  model(): Promise<string | null>;
  serial(): Promise<string | null>;
  hardwareUuid(): Promise<string | null>;
  /** Who sits at the machine. */
  user(): Promise<string | null>;
}

export function hostHere(): Host {
  return process.platform === 'darwin' ? macHost(runProgram, MAC_PROGRAMS) : linuxHost(runProgram, LINUX_PROGRAMS);
}

/** Milliseconds for a question about the host. */
const TIMEOUT = 10_000;

/** @param top what stands for `/` of the host: its `/etc`, `/sys` and `/usr` are read */
export function linuxHost(run: RunProgram, { loginctl }: Pick<LinuxPrograms, 'loginctl'>, top = '/'): Host {
  const at = (...parts: string[]) => textOf(path.join(top, ...parts));
  const dmi = (name: string) => {
    const value = at('sys', 'class', 'dmi', 'id', name)?.trim() ?? '';
    // What the maker of the board left out, or put there as a stopgap, names no machine.
    return value === '' || PLACEHOLDERS.test(value) ? null : value;
  };
  const ask = async (...args: string[]) => {
    const answer = await run({ program: loginctl, args, timeout: TIMEOUT }).catch(() => null);
    return answer?.code === 0 ? answer.stdout : '';
  };
  return {
    name: async () => os.hostname(),
    os: async () => parseOsRelease(at('etc', 'os-release') ?? at('usr', 'lib', 'os-release') ?? ''),
    cpu: async () => cpuOfNode(),
    model: async () => dmi('product_name'),
    serial: async () => dmi('product_serial'),
    hardwareUuid: async () => dmi('product_uuid')?.toUpperCase() ?? null,
    async user() {
      const session = propertyOf(await ask('show-seat', 'seat0', '--property=ActiveSession'), 'ActiveSession');
      if (session === '') return null;
      const about = await ask('show-session', session, '--property=Name', '--property=Class');
      // The login screen is a session too.
      return propertyOf(about, 'Class') === 'user' ? propertyOf(about, 'Name') || null : null;
    },
  };
}

const PLACEHOLDERS =
  /^(?:not (?:specified|applicable|available)|to be filled by o\.?e\.?m\.?|none|default string|system serial number|unknown|[0-]+|[f-]+)$/i;

function propertyOf(text: string, name: string): string {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name}=`));
  return line?.slice(name.length + 1).trim() ?? '';
}

/** By the name everybody but Node uses. */
function cpuOfNode(): string {
  const arch = os.arch();
  return arch === 'x64' ? 'x86_64' : arch;
}

function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
