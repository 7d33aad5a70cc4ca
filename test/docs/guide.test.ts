import { cpSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { repository } from '../cli/spawn.ts';
import { followed } from '../support/pages/follow.ts';

followed('docs/guide.md', {
  begin({ dir, standsFor }) {
    // The quickstart as it is, with the d3 of these tests beside it.
    const project = path.join(dir, '.page');
    mkdirSync(path.join(project, 'scripts'));
    for (const part of ['scripts/quickstart.ts', 'examples'])
      cpSync(path.join(repository, part), path.join(project, part), { recursive: true });
    standsFor('/tmp/d3-try', path.join(dir, 'd3-try'));
    standsFor('npm run quickstart --', `'${process.execPath}' '${path.join(project, 'scripts/quickstart.ts')}'`);
  },
});
