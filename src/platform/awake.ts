import type { RunProgram } from './program.ts';
import { LINUX_PROGRAMS, MAC_PROGRAMS } from './programs.ts';

/** As long as anything ever takes. Milliseconds. */
const DAY = 24 * 60 * 60 * 1000;

/**
 * Keeps the machine from going to sleep while work is done. The program that does so ends with this process, however that ends, so
 * that no machine stays awake for a d3 that is gone. Where there is no such program the work is done all the same.
 */
export async function keepAwake<Result>(
  work: () => Promise<Result>,
  { root, platform, run }: { root: string; platform: NodeJS.Platform; run: RunProgram },
): Promise<Result> {
  if (root !== '/') return work();
  const end = new AbortController();
  const held = run({ ...holding(platform, process.pid), timeout: DAY, signal: end.signal }).catch(() => undefined);
  try {
    return await work();
  } finally {
    end.abort();
    await held;
  }
}

function holding(platform: NodeJS.Platform, pid: number): { program: string; args: string[] } {
  if (platform === 'darwin')
    return { program: MAC_PROGRAMS.caffeinate, args: ['-d', '-i', '-m', '-s', '-w', String(pid)] };
  const { systemdInhibit: program, tail } = LINUX_PROGRAMS;
  const what = ['--what=sleep:idle', '--who=d3', '--why=packages are being installed', '--mode=block'];
  return { program, args: [...what, tail, '--pid', String(pid), '--follow', '/dev/null'] };
}
