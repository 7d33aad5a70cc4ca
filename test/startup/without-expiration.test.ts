import { expect } from 'chai';
import { writeUsageOf } from '../support/expiration.ts';
import { Sandbox } from '../support/sandbox.ts';
import { BuiltD3 } from './built.ts';

describe('a d3 whose list of plugins has no expiration', () => {
  const d3 = new BuiltD3();
  let sandbox: Sandbox;
  before(async function () {
    this.timeout(60_000);
    await d3.build(['@d3/plugin-expiration']);
    sandbox = await Sandbox.make();
  });
  after(() => {
    d3.remove();
    sandbox.remove();
  });

  it('works as ever, and nothing expires', async () => {
    await sandbox.add('tool', '1', { live: true, expiration: '1', expirationPaths: '/opt/tool/version' });
    await sandbox.add('trial', '1', { live: true, firmExpiration: '2020-01-01' });
    const machine = sandbox.machine('mac-a', { processes: ['d3RepoMan'] });
    machine.write('etc/d3.json', JSON.stringify({ expiration: { allowed: 'yes' } }));
    await machine.install(['tool', 'trial']);
    const at = new Date();
    writeUsageOf('calvin', machine.root, { since: new Date(0), at });
    const run = (...words: string[]) =>
      d3.run(words, { env: { D3_DEPOT: sandbox.depot, D3_ROOT: machine.root, USER: 'sally' }, cwd: sandbox.dir });
    const { code, stdout, stderr } = await run('sync');
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
    expect(stdout).to.include('Nothing to do');
    expect(machine.receipts().map(({ basename }) => basename)).to.deep.equal(['tool', 'trial']);
    expect((await run('explain', 'trial')).stdout).to.not.include('expire now');
    expect((await run('usage')).code).to.equal(127);
    expect((await run('hooks', 'list')).stdout).to.not.include('plugin-expiration');
    expect((await run('config')).stdout).to.not.include('expiration.allowed');
  });

  it('with it in the list, what ended for good is removed', async function () {
    this.timeout(60_000);
    const whole = new BuiltD3();
    try {
      await whole.build();
      const root = `${sandbox.dir}/mac-a`;
      const env = { D3_DEPOT: sandbox.depot, D3_ROOT: root, USER: 'sally' };
      const { code, stdout } = await whole.run(['sync'], { env, cwd: sandbox.dir });
      expect(code).to.equal(0);
      expect(stdout).to.match(/trial-1-1: (?:uninstalled|removed)/);
    } finally {
      whole.remove();
    }
  });
});
