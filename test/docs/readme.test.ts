import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { followed } from '../support/pages/follow.ts';

followed('README.md', {
  env: { D3_FLAG_ADMIN: 'sally', D3_FLAG_AUTO_CONFIRM: '1' },
  async begin({ dir, does }) {
    mkdirSync(path.join(dir, 'payload/opt/transmogrifier'), { recursive: true });
    writeFileSync(path.join(dir, 'payload/opt/transmogrifier/version'), '2.1.2');
    await does('mkdir mac && export D3_DEPOT="$PWD/depot" D3_ROOT="$PWD/mac" && d3 depot init depot');
    await does(
      'd3 pkg build payload --identifier org.example.transmogrifier --pkg-version 2.1.2 --output transmogrifier.pkg',
    );
  },
});
