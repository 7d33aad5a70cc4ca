import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const TIMEOUT = 10_000;

/** Names of this system's accounts by their numbers, each asked for once; null where there is none. */
export function accountsHere(): (uid: number) => string | null {
  const known = process.platform === 'linux' ? accountsIn(textOf('/etc/passwd')) : new Map<number, string | null>();
  return (uid) => {
    const name = known.get(uid);
    if (name !== undefined) return name;
    const asked = askSystem(uid);
    known.set(uid, asked);
    return asked;
  };
}

/** Reads a passwd(5) file; of two accounts with one number the first counts, as it does for the system. */
export function accountsIn(passwd: string): Map<number, string | null> {
  const found = new Map<number, string | null>();
  for (const line of passwd.split('\n')) {
    const [name = '', , uid = ''] = line.split(':');
    if (name !== '' && /^\d+$/.test(uid) && !found.has(Number(uid))) found.set(Number(uid), name);
  }
  return found;
}

/** Directory services know accounts that no file has. */
function askSystem(uid: number): string | null {
  const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C' };
  const { status, stdout } = spawnSync('/usr/bin/id', ['-un', '--', String(uid)], {
    env,
    encoding: 'utf8',
    timeout: TIMEOUT,
  });
  const name = stdout?.trim() ?? '';
  return status === 0 && name !== '' && name !== String(uid) ? name : null;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
