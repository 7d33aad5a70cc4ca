import path from 'node:path';
import { firstPackage } from '../../support/pages/first-package.ts';
import { followed } from '../../support/pages/follow.ts';
import { FileServer } from '../../support/web.ts';

followed('docs/guides/static.md', {
  async begin(reader) {
    await firstPackage(reader);
    await reader.does('mkdir host');
    const server = await FileServer.of(path.join(reader.dir, 'd3-first/www'));
    reader.atEnd(() => server.close());
    reader.standsFor('https://depot.example.org/d3', server.url);
  },
});
