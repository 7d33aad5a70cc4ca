import { existsSync } from 'node:fs';
import { createRequire, registerHooks } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Installation } from './installation.ts';

/** What d3 and all its plugins must have one copy of, or `instanceof` and oclif's caches fall apart. */
const SHARED = /^(@oclif\/core|@d3\/sdk|@d3\/flatpkg)(\/.+)?$/;

/**
 * From now on whoever imports or requires a shared package gets d3's own copy, whatever is installed beside it. A
 * plugin so needs none of its own; it names them as optional peers.
 */
export function shareModules(installation: Installation): void {
  const host = createRequire(path.join(installation.root, 'package.json'));
  let resolving = false;
  registerHooks({
    resolve(specifier, context, next) {
      const [, name, part = ''] = SHARED.exec(specifier) ?? [];
      if (name === undefined || part === '/package.json' || resolving) return next(specifier, context);
      const bundled = installation.code === 'bundle' ? sharedFile(installation.root, specifier) : null;
      // Asking for d3's own comes here again.
      resolving = true;
      try {
        const file = bundled !== null && existsSync(bundled) ? bundled : host.resolve(specifier);
        return { url: pathToFileURL(file).href, shortCircuit: true };
      } finally {
        resolving = false;
      }
    },
  });
}

/** Where the bundle keeps a shared package: `@oclif/core/flags` in `shared/oclif-core/flags.cjs`. */
function sharedFile(root: string, specifier: string): string {
  return path.join(root, 'dist/bundle', `${sharedEntry(specifier)}.cjs`);
}

export function sharedEntry(specifier: string): string {
  return `shared/${specifier.replace(/^@([^/]+)\//, '$1-')}`;
}
