import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { D3Error } from '@d3/sdk';

/** How Node calls what Jamf and those who upload to it call by several names. */
const ALGORITHMS: Readonly<Record<string, string>> = {
  MD5: 'md5',
  SHA256: 'sha256',
  SHA512: 'sha512',
  SHA3512: 'sha3-512',
};
/** Digits of each in hexadecimal. */
const DIGITS: Readonly<Record<string, number>> = { md5: 32, sha256: 64, sha512: 128, 'sha3-512': 128 };

/** Hashes of a file, in lower case, by Node's names of the algorithms. */
export type Hashes = Readonly<Record<string, readonly string[]>>;

/** Where Jamf says what a file should be. */
export interface Recorded {
  md5?: unknown;
  sha256?: unknown;
  sha3512?: unknown;
  hashType?: unknown;
  hashValue?: unknown;
  /** What the cloud distribution point says of its file. */
  cloud?: { md5?: unknown; sha3?: unknown } | null;
}

/** Every hash that is on record; what is no hash of its kind counts as none. */
export function hashesOf({ md5, sha256, sha3512, hashType, hashValue, cloud }: Recorded): Hashes {
  const found = new Map<string, Set<string>>();
  const take = (algorithm: string | undefined, value: unknown) => {
    if (algorithm === undefined || typeof value !== 'string') return;
    const hash = value.trim().toLowerCase();
    if (!/^[0-9a-f]+$/.test(hash) || hash.length !== DIGITS[algorithm]) return;
    found.set(algorithm, (found.get(algorithm) ?? new Set()).add(hash));
  };
  take('md5', md5);
  take('sha256', sha256);
  take('sha3-512', sha3512);
  const type = typeof hashType === 'string' ? hashType.toUpperCase().replaceAll(/[^A-Z0-9]/g, '') : '';
  take(ALGORITHMS[type], hashValue);
  take('md5', cloud?.md5);
  take('sha3-512', cloud?.sha3);
  return Object.fromEntries([...found].map(([algorithm, values]) => [algorithm, [...values]]));
}

/** Whether somebody could make another file that fits. */
export function proves(hashes: Hashes): boolean {
  return Object.keys(hashes).some((algorithm) => algorithm !== 'md5');
}

/**
 * Holds a file against every hash on record.
 * @returns its SHA-256
 * @throws D3Error verificationFailed when one differs
 */
export async function holdAgainst(file: string, name: string, hashes: Hashes, signal: AbortSignal): Promise<string> {
  const digests = await digestsOf(file, new Set([...Object.keys(hashes), 'sha256']), signal);
  for (const [algorithm, wanted] of Object.entries(hashes)) {
    const got = digests.get(algorithm) as string;
    const other = wanted.find((one) => one !== got);
    if (other === undefined) continue;
    throw new D3Error(
      'JAMF_FILE_DIFFERS',
      'verificationFailed',
      `${name} is not the file Jamf Pro has on record: its ${algorithm} is ${got}, not ${other}`,
      { target: name, actions: ['Upload the package to Jamf Pro again, and import it then.'] },
    );
  }
  return digests.get('sha256') as string;
}

/** Hashes of a file in hexadecimal, by Node's names of the algorithms; it is read once. */
export async function digestsOf(
  file: string,
  algorithms: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const made = new Map([...algorithms].map((one) => [one, createHash(one)]));
  for await (const piece of createReadStream(file, { signal, highWaterMark: 1024 * 1024 }))
    for (const hash of made.values()) hash.update(piece as Buffer);
  return new Map([...made].map(([algorithm, hash]) => [algorithm, hash.digest('hex')]));
}
