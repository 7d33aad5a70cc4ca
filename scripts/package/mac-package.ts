import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from '@d3/flatpkg';
import type { Entry } from './entries.ts';
import { installScripts } from './maintainer-scripts.ts';
import { putFile } from './put-file.ts';

export interface MacPackageSource {
  version: string;
  /** What is to be in the folder of this version. */
  entries: readonly Entry[];
  /** The Node within that folder. */
  node: string;
  /** As Apple calls the processor; null: any. */
  processor: string | null;
  /** The oldest macOS that everything in it runs on; null where nothing says. */
  minimum: string | null;
  /** Since 1970; the time of everything in it. */
  seconds: number;
}

/** Under which Apple's installer keeps d3's receipt. */
const IDENTIFIER = 'org.d3.d3';
/** Where d3 keeps its versions. Nothing above it is in the package, whose owners and modes are not d3's. */
const PLACE = '/usr/local/lib/d3';

/**
 * Writes an installer package for macOS, not signed: one version beside others, as d3 installs itself. @param work a folder on
 * the disk the entries are on
 */
export async function writeMacPackage(file: string, source: MacPackageSource, work: string): Promise<void> {
  const { version, entries, node, processor, minimum, seconds } = source;
  const root = path.join(work, 'root');
  const scripts = path.join(work, 'scripts');
  rmSync(work, { recursive: true, force: true });
  try {
    mkdirSync(root, { recursive: true });
    chmodSync(root, 0o755);
    layOut(entries, path.join(root, 'versions', version));
    const { before, after } = installScripts({ version, node, system: 'macos' });
    mkdirSync(scripts);
    writeFileSync(path.join(scripts, 'preinstall'), before, { mode: 0o755 });
    writeFileSync(path.join(scripts, 'postinstall'), after, { mode: 0o755 });
    await build({
      root,
      scripts,
      output: file,
      identifier: IDENTIFIER,
      version,
      installLocation: PLACE,
      modifiedTime: new Date(seconds * 1000),
      product: {
        title: 'd3',
        ...(minimum === null ? {} : { minimumSystemVersion: minimum }),
        ...(processor === null ? {} : { architectures: [processor] }),
      },
    });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function layOut(entries: readonly Entry[], to: string): void {
  // The folder of versions, too, whatever umask there is.
  for (const folder of [path.dirname(to), to]) makeFolder(folder, 0o755);
  for (const entry of entries) {
    const at = path.join(to, entry.path);
    if (entry.type === 'dir') makeFolder(at, entry.mode);
    else if (typeof entry.content === 'string') putFile(entry.content, at, entry.mode);
    else {
      writeFileSync(at, entry.content);
      chmodSync(at, entry.mode);
    }
  }
}

function makeFolder(at: string, mode: number): void {
  mkdirSync(at);
  chmodSync(at, mode);
}
