import {
  type BuildOptions,
  build,
  type Extracted,
  extractTo,
  inspect,
  type Listing,
  listFiles,
  type PackageSummary,
  type PartOptions,
  type ReadOptions,
  type Signature,
  verify,
} from '@d3/flatpkg';
import { D3Error } from '@d3/sdk';
import { appleSignatureCheck, type SignatureCheck, type SignatureVerdict } from '../platform/apple-signature.ts';
import { translated } from './pkg.ts';

/** The packaging tools behind `d3 pkg`, with d3's errors. */

export function inspectPackage(file: string): Promise<PackageSummary> {
  return translated(file, () => inspect(file));
}

export function listPackage(file: string, options: PartOptions & ReadOptions): Promise<Listing> {
  return translated(file, () => listFiles(file, options));
}

export function extractPackage(file: string, folder: string, options: PartOptions & ReadOptions): Promise<Extracted> {
  return translated(file, () => extractTo(file, folder, options));
}

export function buildPackage(options: BuildOptions): Promise<{ size: number; sha256: string; entries: number }> {
  return translated(options.output, () => build(options));
}

/** What is known of a package after all of it was read. */
export interface VerifiedPackage {
  /** Members whose checksums are right, and the bytes they take. */
  members: number;
  bytes: number;
  warnings: string[];
  signature: Signature | null;
  /** What Apple's programs say of the signature; null where they are not, or nothing is signed. */
  apple: SignatureVerdict[] | null;
}

/**
 * Reads a package to its end and compares everything that can be compared. Signatures are Apple's programs' business.
 * @param check null where there are none of them
 * @throws D3Error 33 when the package is damaged, or its signature is not what it should be
 */
export async function verifyPackage(
  file: string,
  signal: AbortSignal,
  check: SignatureCheck | null = process.platform === 'darwin' ? appleSignatureCheck() : null,
): Promise<VerifiedPackage> {
  const { summary, members, bytes, warnings } = await translated(file, () => verify(file, { signal }));
  const { signature } = summary;
  const result = { members, bytes, warnings, signature, apple: null };
  // A ticket alone is no signature.
  if (check === null || signature === null || signature.kinds.length === 0) return result;
  const apple = await check(file);
  for (const { tool, accepted, lines } of apple) {
    if (accepted) continue;
    const text = `${tool} does not accept its signature (${lines.join('; ')})`;
    if (tool === 'spctl') warnings.push(text);
    else {
      throw new D3Error('PACKAGE_SIGNATURE', 'verificationFailed', `${text}.`, {
        target: file,
        actions: ['get the package from its maker again'],
      });
    }
  }
  return { ...result, signature: { ...signature, verified: 'verified by pkgutil' }, apple };
}
