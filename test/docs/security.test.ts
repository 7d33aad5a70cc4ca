import path from 'node:path';
import { followed } from '../support/pages/follow.ts';

followed('docs/security.md', {
  env: { D3_FLAG_ADMIN: 'sally' },
  async begin(reader) {
    reader.standsFor('/media/stick', path.join(reader.dir, 'stick'));
    await reader.does('export D3_DEPOT="$PWD/depot" && d3 depot init depot');
  },
});
