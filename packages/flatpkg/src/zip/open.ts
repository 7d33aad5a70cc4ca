import type { getFileNameLowLevel, ZipFile } from 'yauzl';
import { damaged, FlatpkgError, printable, unsupported } from '../errors.ts';
import { readFrom } from '../fd.ts';

interface OpenZip {
  zip: ZipFile;
  decodeName: typeof getFileNameLowLevel;
}

/** Finds the directory of a zip archive of `size` bytes. Throws FlatpkgError. */
export async function openZip(fd: number, size: number): Promise<OpenZip> {
  // Loaded for the first zip only: most packages are none.
  const yauzl = await import('yauzl');
  class DescriptorReader extends yauzl.RandomAccessReader {
    override read(
      buffer: Buffer,
      offset: number,
      length: number,
      position: number,
      callback: (error: Error | null) => void,
    ): void {
      callback(failureOfReading(fd, position, buffer.subarray(offset, offset + length), size));
    }
  }
  // Names and sizes are checked by us, so that an error can say whose they are.
  const options = { autoClose: false, decodeStrings: false, validateEntrySizes: false };
  try {
    const zip = await yauzl.fromRandomAccessReaderPromise(new DescriptorReader(), size, options);
    return { zip, decodeName: yauzl.getFileNameLowLevel };
  } catch (error) {
    throw asZipError(error);
  }
}

/** What the library throws, as a FlatpkgError: it says in words what it found. */
export function asZipError(error: unknown, member: string | null = null): unknown {
  if (error instanceof FlatpkgError || !(error instanceof Error)) return error;
  const text = printable(error.message);
  return /not supported/.test(text) ? unsupported('ZIP', text, member) : damaged('ZIP', text, member);
}

function failureOfReading(fd: number, position: number, buffer: Buffer, size: number): Error | null {
  try {
    // Archives may point anywhere; what lies behind the end need not even be a number the system takes.
    const whole = position + buffer.length <= size && readFrom(fd, position, buffer) === buffer.length;
    return whole ? null : new Error('the archive is cut short, or points behind its end');
  } catch (error) {
    return error as Error;
  }
}
