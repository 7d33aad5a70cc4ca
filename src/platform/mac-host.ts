import os from 'node:os';
import type { Host } from './host.ts';
import { parsePlist, plistValue } from './plist.ts';
import type { RunProgram } from './program.ts';
import type { MacPrograms } from './programs.ts';

/** Milliseconds for a question about the host. */
const TIMEOUT = 10_000;
/** Nobody sits at the login window. */
const NOBODY = ['loginwindow', '_mbsetupuser', 'root', ''];

/** A Mac, asked through its own programs. */
export function macHost(run: RunProgram, programs: Pick<MacPrograms, 'swVers' | 'ioreg' | 'scutil' | 'sysctl'>): Host {
  const ask = async (program: string, args: string[], input?: string) => {
    const call = { program, args, timeout: TIMEOUT, ...(input === undefined ? {} : { input }) };
    const answer = await run(call).catch(() => null);
    return answer?.code === 0 && !answer.cut ? answer.stdout : '';
  };
  const expert = once(async () => {
    const list = await parsePlist(await ask(programs.ioreg, ['-r', '-d', '1', '-c', 'IOPlatformExpertDevice', '-a']));
    return Array.isArray(list) ? (list[0] ?? null) : list;
  });
  const ofExpert = async (key: string) => {
    const value = plistValue(await expert(), key);
    return typeof value === 'string' && value !== '' ? value : null;
  };
  return {
    name: async () => (await ask(programs.scutil, ['--get', 'ComputerName'])).trim() || os.hostname(),
    async os() {
      const version = (await ask(programs.swVers, ['-productVersion'])).trim();
      return { name: 'macOS', version: /^\d+(?:\.\d+)*$/.test(version) ? version : 'unknown' };
    },
    async cpu() {
      // A Node made for Intel is told that it runs on one, wherever it does.
      const isApple = (await ask(programs.sysctl, ['-n', 'hw.optional.arm64'])).trim() === '1';
      return isApple || os.arch() === 'arm64' ? 'arm64' : 'x86_64';
    },
    model: async () => (await ask(programs.sysctl, ['-n', 'hw.model'])).trim() || null,
    serial: () => ofExpert('IOPlatformSerialNumber'),
    hardwareUuid: () => ofExpert('IOPlatformUUID'),
    async user() {
      const told = await ask(programs.scutil, [], 'show State:/Users/ConsoleUser\n');
      const name = /^\s{2}Name : (.*)$/m.exec(told)?.[1]?.trim() ?? '';
      return NOBODY.includes(name) ? null : name;
    },
  };
}

function once<Result>(work: () => Promise<Result>): () => Promise<Result> {
  let result: Promise<Result> | undefined;
  return () => {
    result ??= work();
    return result;
  };
}
