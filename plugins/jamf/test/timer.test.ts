import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { d3 } from '../../../test/cli/spawn.ts';
import { Sandbox } from '../../../test/support/sandbox.ts';
import { timerFiles, timerOf } from '../src/timer.ts';

describe('d3 jamf timer', function () {
  this.timeout(60_000);
  let sandbox: Sandbox;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
  });
  afterEach(() => sandbox.remove());
  const run = (...line: string[]) =>
    d3(['jamf', 'timer', ...line, '--json'], { cwd: sandbox.dir, env: { D3_ROOT: sandbox.dir } });

  it('is laid down once, changes with what is said, and goes without a trace', async function () {
    if (process.platform === 'darwin') this.skip();
    const first = await run('install', '--depot', '/var/lib/my depot', '--admin', 'jamf-pull', '--every', '45m');
    expect(first.code, first.stdout).to.equal(0);
    const [service = '', timer = ''] = JSON.parse(first.stdout).result.files as string[];
    expect(readFileSync(service, 'utf8')).to.contain(
      'jamf pull --depot "/var/lib/my depot" --admin jamf-pull --no-input',
    );
    expect(readFileSync(timer, 'utf8')).to.contain('OnUnitInactiveSec=2700s');
    expect((await run('install', '--depot', '/var/lib/depot', '--admin', 'jamf-pull', '--every', '1h')).code).to.equal(
      0,
    );
    expect(readFileSync(timer, 'utf8')).to.contain('OnUnitInactiveSec=3600s');
    expect((await run('remove')).code).to.equal(0);
    expect([service, timer].map((file) => existsSync(file))).to.deep.equal([false, false]);
  });

  it('is refused without what it needs, and with what would be more than one word', async () => {
    expect((await run('install', '--admin', 'x')).code).to.equal(2);
    expect((await run('install', '--depot', 'here', '--admin', 'x')).code).to.equal(2);
    expect((await run('install', '--depot', '/d', '--admin', 'a b')).code).to.equal(2);
    expect((await run('install', '--depot', '/d', '--admin', 'x', '--every', '5s')).code).to.equal(2);
    expect(existsSync(path.join(sandbox.dir, 'etc'))).to.equal(false);
  });

  it('is a job of launchd on a Mac', () => {
    const timer = timerOf({ program: '/usr/local/bin/d3', depot: '/Library/De & pot', admin: 'x', every: 600 });
    const [{ name, text } = { name: '', text: '' }] = timerFiles(timer, 'darwin').files;
    expect(name).to.equal('org.d3.jamf-pull.plist');
    expect(text)
      .to.contain('<key>StartInterval</key><integer>600</integer>')
      .and.to.contain('<string>/Library/De &amp; pot</string>');
  });
});
