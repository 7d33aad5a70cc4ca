import path from 'node:path';
import { writeDeb } from '../../support/deb.ts';
import { firstPackage } from '../../support/pages/first-package.ts';
import { followed } from '../../support/pages/follow.ts';

followed('docs/guides/linux.md', {
  async begin(reader) {
    await firstPackage(reader);
    writeDeb(path.join(reader.dir, 'd3-first/jq_1.6-2.1_amd64.deb'), {
      name: 'jq',
      version: '1.6-2.1',
      architecture: 'amd64',
      files: { './usr/bin/jq': 'jq' },
    });
  },
});
