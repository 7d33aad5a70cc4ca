import { foldersAbove } from './folders.ts';
import type { ManifestEntry } from './state/state.ts';

/** Folders a Mac shows as one thing. */
const BUNDLE =
  /[^/]\.(?:action|app|appex|bundle|colorPicker|component|framework|kext|mdimporter|osax|plugin|prefPane|qlgenerator|saver|service|systemextension|vst|vst3|wdgt|xpc)$/i;

/** Where a bundle has the file that makes it one. */
const INFO = /^(?<bundle>.+?)\/(?:Contents\/|Resources\/|Versions\/[^/]+\/Resources\/)?Info\.plist$/;

/**
 * The bundles a package brought itself, the outermost ones only: its manifest names their Info.plist. A bundle it merely put
 * something into, as a plug-in into another's app, is none of its own.
 */
export function bundlesIn(manifest: readonly ManifestEntry[]): string[] {
  const found = new Set<string>();
  for (const { path, type } of manifest) {
    const bundle = type === 'file' ? INFO.exec(path)?.groups?.['bundle'] : undefined;
    if (bundle !== undefined && BUNDLE.test(bundle)) found.add(bundle);
  }
  return [...found].filter((bundle) => !foldersAbove(bundle).some((folder) => found.has(folder))).toSorted();
}
