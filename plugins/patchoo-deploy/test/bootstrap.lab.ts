import path from 'node:path';
import { expect } from 'chai';
import { BootedLinux } from '../../../test/lab/booted.ts';

const project = path.join(import.meta.dirname, '../../..');

/** A deployment as systemd has it: what goes on with it, and the lock, are units of a Linux that booted. */
describe('a deployment under a real systemd', function () {
  this.timeout(280_000);
  let linux: BootedLinux;
  beforeEach(async () => {
    linux = await BootedLinux.boot();
  });
  afterEach(() => linux.stop());

  const d3 = (...args: string[]) => linux.good(path.join(project, 'bin/d3'), ...args);
  const admin = (...args: string[]) => linux.good(path.join(project, 'bin/d3admin'), ...args);
  const state = (unit: string) => linux.run('systemctl', 'is-active', unit).output.trim();
  const laid = () => linux.run('sh', '-c', 'ls /etc/systemd/system | grep d3-provision').output.trim();
  const said = () =>
    JSON.parse(linux.run('sh', '-c', `${path.join(project, 'bin/d3')} provision status --json`).output);
  const until = (what: string, holds: () => boolean) => linux.until(what, holds, 'd3-provision*');

  it('patchoo:BS-01 patchoo:BS-03 patchoo:BS-18 patchoo:BS-26 patchoo:IN-10 setup returns, the run and the lock go on by themselves, and go with the release', async () => {
    d3('depot', 'init', '/srv/depot');
    linux.good(
      'sh',
      '-c',
      `echo '{"depot": "/srv/depot", "provision": {"attributes": ["department"]}}' > /etc/d3.json`,
    );
    admin('department', 'add', 'art', '--admin', 'sally');
    const { result } = JSON.parse(d3('provision', 'setup', '--no-input', '--json'));
    expect(result.asked.state).to.equal('nobody');
    expect(laid()).to.include('d3-provision.service').and.include('d3-provision-lock.service');
    await until('it holds', () => said().result.state === 'holding');
    expect(state('d3-provision.service')).to.equal('active');
    // One that locks until the deployment is over is being started all that time.
    expect(state('d3-provision-lock.service')).to.equal('activating');
    // Whoever kills it is not let in: it is started again.
    const before = linux.show('d3-provision-lock.service', 'MainPID');
    linux.good('kill', '-9', before);
    await until('the lock is there again', () => {
      const now = linux.show('d3-provision-lock.service', 'MainPID');
      return now !== before && now !== '0';
    });
    d3('provision', 'hold', 'release', '--reason', 'the lab is over', '-a', 'sally');
    await until('it is released', () => said().result.state === 'released');
    // The runner takes away what started it before it ends itself.
    const units = ['d3-provision.service', 'd3-provision-lock.service'];
    await until('nothing of it is left', () => laid() === '' && units.every((unit) => state(unit) === 'inactive'));
    expect(laid()).to.equal('');
  });
});
