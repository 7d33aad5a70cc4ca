import { D3Error } from '@d3/sdk';
import type { Edition } from '../catalog/types.ts';
import { appleSignatureCheck, teamIdOf } from '../platform/apple-signature.ts';
import type { InstallerParts } from './parts.ts';

/** What this machine asks of a package's signature, besides the hash that the signed catalog names. */
export interface SignatureRule {
  required: 'any' | 'signed';
  /** Teams whose signature counts; empty: every team's that this Mac trusts. */
  teamIds: readonly string[];
}

export const ANY_SIGNATURE: SignatureRule = { required: 'any', teamIds: [] };

/**
 * Has Apple's programs decide on a package's signature where the settings ask for one.
 * @param file path of the verified file
 * @throws D3Error refused (30) where nobody can decide, verificationFailed (33) where they say no
 */
export async function checkSignature(
  file: string,
  { edition, file: { format } }: Edition,
  parts: InstallerParts,
): Promise<void> {
  const { required, teamIds } = parts.signature;
  if (required === 'any' && teamIds.length === 0) return;
  if (parts.platform !== 'darwin' || format === 'deb') {
    throw new D3Error(
      'SIGNATURE_UNDECIDED',
      'refused',
      `This machine asks for signed packages (install.signature, install.teamIds), and only a Mac can tell whether a ${format} is.`,
      { target: edition, actions: ['leave both settings out of the configuration of this machine'] },
    );
  }
  const verdicts = await appleSignatureCheck(parts.mac, format)(file);
  const no = verdicts.find(({ accepted }) => !accepted);
  if (no !== undefined) {
    throw refused(edition, `${no.tool} does not accept its signature (${no.lines.join('; ')})`);
  }
  if (teamIds.length === 0) return;
  const team = teamIdOf(verdicts);
  if (team === null || !teamIds.includes(team)) {
    throw refused(
      edition,
      `it is signed by ${team === null ? 'no team' : `the team ${team}`}, and only ${teamIds.join(', ')} may`,
    );
  }
}

function refused(target: string, why: string): D3Error {
  return new D3Error('PACKAGE_SIGNATURE', 'verificationFailed', `The package is not installed: ${why}.`, {
    target,
    actions: ['get the package from its maker again, or see install.signature and install.teamIds'],
  });
}
