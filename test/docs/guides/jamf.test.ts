import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from '@d3/flatpkg';
import { expect } from 'chai';
import { SECRET, StandIn } from '../../../plugins/jamf/test/support/jamf-pro.ts';
import { PACKAGE } from '../../../plugins/jamf/test/support/samples.ts';
import { followed } from '../../support/pages/follow.ts';

let configured = '';
let another = () => '';

followed('docs/guides/jamf.md', {
  env: { D3_FLAG_ADMIN: 'sally' },
  async begin(reader) {
    const { dir, does, standsFor } = reader;
    const jamf = new StandIn();
    const server = await jamf.start();
    reader.atEnd(async () => {
      await jamf.stop();
      expect(jamf.wrong).to.deep.equal([]);
    });
    const file = (name: string, text: string, mode = 0o644) => {
      mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
      writeFileSync(path.join(dir, name), text, { mode });
      return path.join(dir, name);
    };
    for (const folder of ['mac', 'payload/opt/transmogrifier']) mkdirSync(path.join(dir, folder), { recursive: true });
    file('payload/opt/transmogrifier/version', '2.1.2');
    await does('export D3_DEPOT="$PWD/depot" D3_ROOT="$PWD/mac" && d3 depot init depot');
    await does('d3admin add transmogrifier -v 2.1.2 -s payload -p org.example.transmogrifier');
    // What Jamf Pro has: a package with its file, and on the Mac the receipt of one that it has installed.
    const firefox = path.join(dir, 'Firefox 128.0.3.pkg');
    await build({
      root: path.join(dir, 'payload'),
      output: firefox,
      identifier: 'org.mozilla.firefox',
      version: '128.0.3',
    });
    const content = readFileSync(firefox);
    jamf.bucket.files.set(path.basename(firefox), content);
    const sha256 = createHash('sha256').update(content).digest('hex');
    jamf.addPackage({ ...PACKAGE, packageName: 'Firefox', fileName: path.basename(firefox), sha256 });
    file('mac/Library/Application Support/JAMF/Receipts/transmogrifier-2.1.2-1.pkg', '');
    file('jamf-secret', `${SECRET}\n`, 0o600);
    standsFor('/etc/d3/jamf-secret', path.join(dir, 'jamf-secret'));
    standsFor('0a1b', 'd3');
    standsFor('https://example.jamfcloud.com', server);
    // What administers a depot reads the configuration of the host it is on, which is nobody's business here.
    configured = `export D3_FLAG_SERVER='${server}' D3_FLAG_CLIENT_ID=d3 D3_FLAG_SECRET_FILE="$PWD/jamf-secret"`;
    another = () => {
      jamf.bucket.files.set('ff.pkg', content);
      return jamf.addPackage({ ...PACKAGE, packageName: 'Browser', fileName: 'ff.pkg', sha256 });
    };
  },
  before: {
    'd3 jamf push transmogrifier': async ({ does }) => {
      await does(configured);
    },
    'd3 jamf import --id 12': ({ standsFor }) => standsFor('--id 12', `--id ${another()}`),
  },
});
