import { runProgram } from './program.ts';
import { MAC_PROGRAMS } from './programs.ts';

/** What one of Apple's programs says of a package's signature. */
export interface SignatureVerdict {
  tool: 'pkgutil' | 'spctl';
  accepted: boolean;
  /** Its own words. */
  lines: string[];
}

/** Asks Apple's programs about a package. @param file absolute path */
export type SignatureCheck = (file: string) => Promise<SignatureVerdict[]>;

interface AppleTools {
  pkgutil: string;
  spctl: string;
}

/** Milliseconds: spctl may ask Apple over the network. */
const TIMEOUT = 60_000;
const AS_IMAGE = ['--assess', '-vv', '--type', 'open', '--context', 'context:primary-signature'];
const AS_PACKAGE = ['--assess', '-vv', '--type', 'install'];

/**
 * `pkgutil` knows whether the signature of a package is whole and whose it is, `spctl` whether this Mac's policy lets it in.
 * @param tools where the programs are: other places stand in for them where there is no Mac
 * @param format of a disk image only `spctl` knows anything
 */
export function appleSignatureCheck(tools: AppleTools = MAC_PROGRAMS, format: 'pkg' | 'dmg' = 'pkg'): SignatureCheck {
  return async (file) =>
    format === 'dmg'
      ? [await verdict('spctl', tools.spctl, [...AS_IMAGE, file])]
      : [
          await verdict('pkgutil', tools.pkgutil, ['--check-signature', file]),
          await verdict('spctl', tools.spctl, [...AS_PACKAGE, file]),
        ];
}

async function verdict(tool: SignatureVerdict['tool'], program: string, args: string[]): Promise<SignatureVerdict> {
  try {
    const { code, stdout, stderr } = await runProgram({ program, args, timeout: TIMEOUT });
    const lines = `${stdout}\n${stderr}`.split('\n').map((line) => line.trim());
    return { tool, accepted: code === 0, lines: lines.filter((line) => line !== '') };
  } catch (error) {
    // What did not run has accepted nothing.
    return { tool, accepted: false, lines: [(error as Error).message] };
  }
}

/** The first certificate of a chain as `pkgutil` prints it, or what `spctl` says of the origin; the team is in parentheses. */
const SIGNER =
  /^(?:1\. |origin=)(?:Developer ID|3rd Party Mac Developer|Mac|Apple) [^:]*: .*\((?<team>[A-Z0-9]{10})\)$/;

/** The team both programs name, by what they print of a Developer ID; null when they name none, or not the same one. */
export function teamIdOf(verdicts: readonly SignatureVerdict[]): string | null {
  const teams = verdicts.map(({ lines }) => lines.flatMap((line) => SIGNER.exec(line)?.groups?.['team'] ?? [])[0]);
  const [first] = teams;
  return first !== undefined && teams.every((team) => team === first) ? first : null;
}
