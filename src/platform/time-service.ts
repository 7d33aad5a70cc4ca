import type { RunProgram } from './program.ts';
import { LINUX_PROGRAMS, MAC_PROGRAMS } from './programs.ts';

interface TimeParts {
  root: string;
  platform: NodeJS.Platform;
  run: RunProgram;
}

/** What came of having the clock set. */
export interface ClockSet {
  set: boolean;
  /** In words: what set it, or why nothing did. */
  text: string;
}

/** Milliseconds: a time server that does not answer is waited for no longer. */
const TIMEOUT = 60_000;
/** Where a Mac gets its time as it comes out of the box. */
const APPLE = 'time.apple.com';

/** Has the machine's own time service set its clock: d3 sets none from what a depot says, which nothing vouches for. */
export async function setClock({ root, platform, run }: TimeParts): Promise<ClockSet> {
  if (root !== '/') return { set: false, text: 'a root folder has the clock of its host' };
  const called = async (program: string, args: string[]): Promise<{ ok: boolean; text: string }> => {
    try {
      const { code, stdout, lastLines } = await run({ program, args, timeout: TIMEOUT });
      return {
        ok: code === 0,
        text: code === 0 ? stdout : `${program}: ${lastLines.join(' ') || 'no answer in time'}`,
      };
    } catch (error) {
      return { ok: false, text: (error as Error).message };
    }
  };
  if (platform === 'darwin') {
    const { systemsetup, sntp } = MAC_PROGRAMS;
    await called(systemsetup, ['-setusingnetworktime', 'on']);
    const told = await called(systemsetup, ['-getnetworktimeserver']);
    const server = /^Network Time Server:\s*([A-Za-z0-9.:-]+)\s*$/m.exec(told.text)?.[1] ?? APPLE;
    const { ok, text } = await called(sntp, ['-sS', server]);
    return ok ? { set: true, text: `${server} set it` } : { set: false, text };
  }
  const { timedatectl, chronyc } = LINUX_PROGRAMS;
  const on = await called(timedatectl, ['set-ntp', 'true']);
  // chrony moves a clock slowly unless it is told that it may jump.
  await called(chronyc, ['makestep']);
  const { ok, text } = await called(timedatectl, ['show', '--property=NTPSynchronized', '--value']);
  if (ok && text.trim() === 'yes') return { set: true, text: 'its time service set it' };
  return { set: false, text: on.ok ? 'its time service reached no server yet' : on.text };
}
