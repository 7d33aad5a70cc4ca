import { type Entry, merged, textEntry, under } from './entries.ts';
import { gzipTo } from './gzip.ts';
import { tar } from './tar.ts';

/**
 * Writes what `npm install -g FILE` takes: d3 with its plugins and everything else it needs in it. Only what has native code
 * comes from npm when it is installed, the Node for the machine among it.
 * @param pjson d3's package.json as it is installed
 * @param seconds since 1970
 */
export async function writeNpmTarball(
  file: string,
  entries: readonly Entry[],
  pjson: Readonly<Record<string, unknown>>,
  seconds: number,
): Promise<void> {
  const bundled = Object.keys(pjson['dependencies'] ?? {});
  const document = `${JSON.stringify({ ...pjson, bundleDependencies: bundled }, null, 2)}\n`;
  await gzipTo(file, tar(under('package', merged(entries, [textEntry('package.json', document)])), seconds));
}
