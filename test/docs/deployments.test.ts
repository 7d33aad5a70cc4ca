import path from 'node:path';
import { repository } from '../cli/spawn.ts';
import { followed } from '../support/pages/follow.ts';

followed('docs/deployments.md', {
  env: { D3_FLAG_ADMIN: 'sally' },
  async begin(reader) {
    reader.standsFor('examples/', path.join(repository, 'examples/'));
    await reader.does('export D3_DEPOT="$PWD/depot" && d3 depot init depot');
  },
});
