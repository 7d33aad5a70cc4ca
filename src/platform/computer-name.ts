import { D3Error } from '@d3/sdk';
import type { RunProgram } from './program.ts';
import { LINUX_PROGRAMS, MAC_PROGRAMS } from './programs.ts';

interface NameParts {
  root: string;
  platform: NodeJS.Platform;
  run: RunProgram;
}

/** Milliseconds. */
const TIMEOUT = 30_000;

/**
 * Names of a computer where the system knows several: as people read it, and as networks can take it: letters, digits and hyphens.
 * @returns null where nothing of a name is left for networks
 */
export function networkName(name: string): string | null {
  const plain = name
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[^A-Za-z0-9-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 63)
    .replace(/-+$/, '');
  return plain === '' ? null : plain;
}

/** Names this computer. @returns false for a root folder, which is named after itself. @throws D3Error failed `RENAME_FAILED` */
export async function renameComputer(name: string, { root, platform, run }: NameParts): Promise<boolean> {
  if (root !== '/') return false;
  const network = networkName(name);
  const calls: [string, string[]][] =
    platform === 'darwin'
      ? [
          [MAC_PROGRAMS.scutil, ['--set', 'ComputerName', name]],
          ...(network === null
            ? []
            : ([
                [MAC_PROGRAMS.scutil, ['--set', 'LocalHostName', network]],
                [MAC_PROGRAMS.scutil, ['--set', 'HostName', network]],
              ] as [string, string[]][])),
        ]
      : [
          ...(network === null
            ? []
            : ([[LINUX_PROGRAMS.hostnamectl, ['set-hostname', network]]] as [string, string[]][])),
          // A name that begins with a hyphen is none of its options.
          [LINUX_PROGRAMS.hostnamectl, ['set-hostname', '--pretty', '--', name]],
        ];
  for (const [program, args] of calls) {
    const { code, lastLines } = await run({ program, args, timeout: TIMEOUT });
    if (code === 0) continue;
    throw new D3Error('RENAME_FAILED', 'failed', `The computer was not named ${name}: ${lastLines.join(' | ')}`, {
      target: name,
      actions: [`by hand: ${program} ${args.join(' ')}`],
    });
  }
  return true;
}
