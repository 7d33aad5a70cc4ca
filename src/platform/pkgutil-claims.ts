import path from 'node:path';
import { type Claimable, type Claims, claimsUnreadable } from './claims.ts';
import type { RunProgram } from './program.ts';

const TIMEOUT = 60_000;
const MAX_PACKAGES = 10_000;

/**
 * The files of Apple's own receipts on a Mac's own root. What a receipt lists lies below the location it names.
 * @param pkgutil where the program is
 */
export function pkgutilClaims(pkgutil: string, run: RunProgram): Claims {
  const ask = (...args: string[]) => run({ program: pkgutil, args, timeout: TIMEOUT });
  return {
    async claimed(asked, own) {
      const { code, stdout, cut, lastLines } = await ask('--pkgs');
      const packages = linesOf(stdout);
      if (code !== 0 || cut || packages.length > MAX_PACKAGES) throw unreadable(pkgutil, lastLines.at(-1));
      const claims = new Map<string, string>();
      const mayConcern = filterFor(asked);
      for (const id of packages.filter((each) => !own.includes(each))) {
        const files = await ask('--files', id);
        if (files.cut) throw unreadable(pkgutil, `${id} lists too many files`);
        // One that is forgotten meanwhile claims nothing any more.
        const concerned = files.code === 0 ? linesOf(files.stdout).filter(mayConcern) : [];
        if (concerned.length === 0) continue;
        const top = locationIn((await ask('--pkg-info', id)).stdout);
        for (const file of concerned) {
          const key = asked.keyOf(path.posix.join('/', top, file));
          if (asked.paths.has(key) || asked.folders.some((folder) => key.startsWith(`${folder}/`)))
            claims.set(key, `Apple's receipt ${id}`);
        }
      }
      return claims;
    },
  };
}

/** Whether a file of a receipt could be one of those asked about, before it is known where it lies. */
function filterFor(asked: Claimable): (file: string) => boolean {
  const names = new Set([...asked.paths].map((at) => path.posix.basename(at)));
  const within = asked.folders.map((folder) => `/${path.posix.basename(folder)}/`);
  return (file) => {
    const key = asked.keyOf(`/${file}`);
    return names.has(path.posix.basename(key)) || within.some((folder) => key.includes(folder));
  };
}

/** Relative to the volume: without a slash before it, and empty or a slash for the top. */
function locationIn(info: string): string {
  return /^location: ?(.*)$/m.exec(info)?.[1] ?? '';
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

function unreadable(target: string, why = 'pkgutil does not answer') {
  return claimsUnreadable('Apple’s installer', why, target, 'see what it says: pkgutil --pkgs');
}
