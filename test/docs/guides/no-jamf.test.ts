import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { followed } from '../../support/pages/follow.ts';
import { freePort } from '../../support/postgres.ts';

followed('docs/guides/no-jamf.md', {
  goOn: { 'd3 depot serve': /"url":"/ },
  async begin(reader) {
    const port = await freePort();
    reader.standsFor('/srv/d3', path.join(reader.dir, 'srv'));
    // Without TLS a server listens on its own host, which is where all of this happens; TLS is a line of another page.
    reader.standsFor('0.0.0.0:8443 --tls-cert depot.pem --tls-key depot.key', `127.0.0.1:${port}`);
    reader.standsFor('https://depot.example.org:8443', `http://127.0.0.1:${port}`);
    mkdirSync(path.join(reader.dir, 'mac-1'));
  },
  after: {
    'd3admin token add': async ({ does }, printed) => {
      await does(`TOKEN=${/d3t_\S+/.exec(printed)?.[0]}`);
    },
    'd3admin enrol code': ({ standsFor }, printed) =>
      standsFor('--code CODE', `--code ${/d3c_[^\s.]+/.exec(printed)?.[0]}`),
  },
});
