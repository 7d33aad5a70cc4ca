import { allClaims, type Claims } from '../platform/claims.ts';
import { dpkgClaims } from '../platform/dpkg-claims.ts';
import { pkgutilClaims } from '../platform/pkgutil-claims.ts';
import { runProgram } from '../platform/program.ts';
import { MAC_PROGRAMS } from '../platform/programs.ts';

/** The other package managers of a machine. Apple's installer knows a Mac's own root only. @param root absolute path */
export function claimsHere(root: string, platform: NodeJS.Platform): Claims {
  const isMac = platform === 'darwin' && root === '/';
  return allClaims([dpkgClaims(root), ...(isMac ? [pkgutilClaims(MAC_PROGRAMS.pkgutil, runProgram)] : [])]);
}
