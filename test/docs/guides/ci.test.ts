import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { firstPackage } from '../../support/pages/first-package.ts';
import { followed } from '../../support/pages/follow.ts';

followed('docs/guides/ci.md', {
  env: { VERSION: '2.0', NAME: 'Firefox ESR', PKG: 'downloaded.pkg' },
  async begin(reader) {
    await firstPackage(reader);
    const built = path.join(reader.dir, 'd3-first/build/root/usr/local/bin');
    mkdirSync(built, { recursive: true });
    writeFileSync(path.join(built, 'tool'), 'built');
    await reader.does(
      'd3 pkg build hello --identifier org.mozilla.firefox --pkg-version 130.0 --output downloaded.pkg',
    );
  },
});
