import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { d3 } from '../cli/spawn.ts';
import { Sandbox } from '../support/sandbox.ts';
import { FileServer } from '../support/web.ts';

describe('http.credentials', () => {
  let sandbox: Sandbox;
  let [configured, other]: FileServer[] = [];
  let root: string;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    configured = await FileServer.of(sandbox.depot);
    other = await FileServer.of(sandbox.depot);
    ({ root } = sandbox.machine('mac-a'));
  });
  afterEach(async () => {
    await configured?.close();
    await other?.close();
    sandbox.remove();
  });

  function configure(depot: string | undefined): void {
    const file = path.join(sandbox.dir, 'secret');
    writeFileSync(file, 'sally:s3cret\n', { mode: 0o600 });
    mkdirSync(path.join(root, 'etc'), { recursive: true });
    writeFileSync(path.join(root, 'etc/d3.json'), JSON.stringify({ depot, http: { credentials: { file } } }));
  }

  const sync = (words: string[] = [], env = {}) =>
    d3(['sync', '--root', root, '--no-input', '--json', ...words], { env });
  const secrets = (server: FileServer | undefined) => {
    const given = (server as FileServer).asked.map(({ authorization }) => authorization);
    expect(given).to.not.deep.equal([]);
    return [...new Set(given)];
  };

  it('go to the configured depot, and to no other that is named for once', async () => {
    configure(configured?.url);
    expect((await sync()).code).to.equal(0);
    expect(secrets(configured)).to.deep.equal([`Basic ${Buffer.from('sally:s3cret').toString('base64')}`]);
    expect((await sync(['--depot', other?.url as string])).code).to.equal(0);
    expect(secrets(other)).to.deep.equal([null]);
    expect((await sync([], { D3_DEPOT: other?.url })).code).to.equal(0);
    expect(secrets(other)).to.deep.equal([null]);
  });

  it('go nowhere when no depot is configured', async () => {
    configure(undefined);
    expect((await sync(['--depot', other?.url as string])).code).to.equal(0);
    expect(secrets(other)).to.deep.equal([null]);
  });

  it('go to no other host than this one unencrypted (30)', async () => {
    configure('http://depot.invalid/d3');
    const { code, stdout } = await sync();
    expect([code, JSON.parse(stdout).errors[0].code]).to.deep.equal([30, 'CREDENTIALS_IN_THE_CLEAR']);
  });
});
