import { chmodSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { d3 } from '../../../test/cli/spawn.ts';
import { Sandbox } from '../../../test/support/sandbox.ts';
import { SECRET, StandIn } from './support/jamf-pro.ts';

describe('d3 jamf doctor', function () {
  this.timeout(60_000);
  let sandbox: Sandbox;
  let jamf: StandIn;
  let server: string;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    jamf = new StandIn();
    server = await jamf.start();
  });
  afterEach(async () => {
    await jamf.stop();
    sandbox.remove();
    expect(jamf.wrong).to.deep.equal([]);
  });

  function doctor(secret: string, where = server) {
    const file = path.join(sandbox.dir, 'secret');
    writeFileSync(file, `${secret}\n`, { mode: 0o600 });
    const line = [
      'jamf',
      'doctor',
      '--server',
      where,
      '--client-id',
      'd3',
      '--secret-file',
      file,
      '--json',
      '--no-input',
    ];
    return d3(line, { cwd: sandbox.dir, env: { D3_ROOT: sandbox.dir } });
  }

  it('says that all is well', async () => {
    const { code, stdout } = await doctor(SECRET);
    expect(code).to.equal(0);
    expect(JSON.parse(stdout).result).to.deep.equal([
      { check: 'packages', ok: true, says: '0 there' },
      { check: 'computers', ok: true, says: '0 there' },
    ]);
  });

  it('names the privilege that is missing', async () => {
    jamf.behaviours.privileges = ['Read Packages'];
    const { code, stdout } = await doctor(SECRET);
    expect(code).to.equal(21);
    expect(stdout).to.contain('Read Computers').and.to.contain('d3 jamf roles');
  });

  it('asks once with a wrong secret, and does not repeat it', async () => {
    const { code, stdout, stderr } = await doctor('wrong-secret-of-a-site');
    expect(code).to.equal(21);
    expect(stdout + stderr).not.to.contain('wrong-secret-of-a-site');
    expect(jamf.requests).to.have.length(1);
  });

  it('sends nothing in the clear, nor a secret others may read', async () => {
    const plain = await doctor(SECRET, 'http://jamf.example.com');
    expect(plain.code).to.equal(2);
    expect(plain.stdout).to.contain('https://HOST');
    const file = path.join(sandbox.dir, 'secret');
    chmodSync(file, 0o644);
    const open = await doctor(SECRET);
    expect(open.code).to.equal(2);
    expect(open.stdout).to.contain('chmod 600');
    expect(jamf.requests).to.deep.equal([]);
  });
});
