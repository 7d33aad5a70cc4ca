import path from 'node:path';
import { expect } from 'chai';
import { repository } from '../../../test/cli/spawn.ts';
import { BootedLinux } from '../../../test/lab/booted.ts';

const UNIT = 'd3-provision.service';
const D3 = '/usr/local/bin/d3';

/** A deployment as systemd runs it, on a whole Linux that is thrown away. */
describe('a deployment under a real systemd', function () {
  this.timeout(240_000);
  let linux: BootedLinux;
  const good = (program: string, ...args: string[]) => linux.good(program, ...args);
  const write = (file: string, text: string) =>
    good('sh', '-c', 'printf %s "$1" | base64 -d > "$2"', 'sh', Buffer.from(text).toString('base64'), file);
  const show = (property: string) => linux.show(UNIT, property);
  const notes = () => linux.run('cat', '/srv/notes').output.trim().split('\n');
  const state = () => JSON.parse(linux.run(D3, 'provision', 'status', '--json').output).result.state as string;

  beforeEach(async () => {
    linux = await BootedLinux.boot();
    good('ln', '-sf', path.join(repository, 'bin/d3'), D3);
    good(D3, 'depot', 'init', '/srv/d3');
    good('mkdir', '-p', '/etc');
    write(
      '/etc/d3.json',
      JSON.stringify({ depot: '/srv/d3', provision: { attributes: [], update: 'no', lock: 'no' } }),
    );
    for (const [name, seconds] of [
      ['a-quick', 0],
      ['b-slow', 8],
    ] as const) {
      write(
        `/srv/${name}`,
        `#!/bin/sh\necho "${name} begins\${D3_RETRY:+ again}" >> /srv/notes\nsleep ${seconds}\necho "${name} is over" >> /srv/notes\n`,
      );
      good(D3, 'admin', 'policy', 'add', name, '--script', `/srv/${name}`, '--events', 'deploy', '--depot', '/srv/d3');
    }
  });
  afterEach(() => linux.stop());

  const until = (isSo: () => boolean, what: string) => linux.until(what, isSo, UNIT);

  it('patchoo:IN-10 patchoo:IN-11 patchoo:BS-03 patchoo:BS-26 setup returns at once, systemd goes on, also after kill -9, and nothing is left', async () => {
    const begun = performance.now();
    good(D3, 'provision', 'setup');
    const took = performance.now() - begun;
    await until(() => notes().includes('b-slow begins'), 'the slow policy');
    expect(notes(), `setup was back after ${took} ms`).to.not.include('b-slow is over');
    expect([show('ActiveState'), state()]).to.deep.equal(['active', 'deploying']);

    const first = show('MainPID');
    good('kill', '-9', first);
    await until(() => ![first, '0'].includes(show('MainPID')), 'another runner');
    await until(() => state() === 'released', 'the release');
    expect(notes()).to.deep.equal([
      'a-quick begins',
      'a-quick is over',
      'b-slow begins',
      'b-slow begins again',
      'b-slow is over',
    ]);
    await until(() => show('ActiveState') !== 'active', 'the end of the runner');
    expect(good('find', '/etc/systemd/system', '-name', 'd3-provision*')).to.equal('');
    expect(good('find', '/var/lib/d3/work', '-mindepth', '1')).to.equal('');
  });

  it('patchoo:IN-11 SIGTERM ends the runner between its steps, and it goes on when it is started again', async () => {
    good(D3, 'provision', 'setup');
    await until(() => notes().includes('b-slow begins'), 'the slow policy');
    good('systemctl', 'stop', UNIT);
    expect(state()).to.equal('deploying');
    expect(good('find', '/var/lib/d3/work', '-mindepth', '1')).to.equal('');
    good('systemctl', 'start', UNIT);
    await until(() => state() === 'released', 'the release');
    expect(notes().filter((line) => line === 'a-quick begins')).to.have.length(1);
  });
});
