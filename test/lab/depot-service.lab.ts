import { readFileSync } from 'node:fs';
import { get } from 'node:https';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { type Certified, selfSigned } from '../support/certificates.ts';
import { BootedLinux } from './booted.ts';

const project = path.dirname(path.dirname(import.meta.dirname));
const UNIT = 'd3-depot-server.service';

/** The served depot and the renewal of its signatures as systemd runs them. */
describe('a depot under a real systemd', function () {
  this.timeout(180_000);
  let linux: BootedLinux;
  const good = (program: string, ...args: string[]) => {
    const { status, output } = linux.run(program, ...args);
    expect(status, `${program} ${args.join(' ')}\n${output}`).to.equal(0);
    return output;
  };
  const write = (file: string, text: string) =>
    good('sh', '-c', 'printf %s "$1" | base64 -d > "$2"', 'sh', Buffer.from(text).toString('base64'), file);
  const show = (unit: string, property: string) => good('systemctl', 'show', '--value', '-p', property, unit).trim();
  const asOwner = (...words: string[]) => good('runuser', '-u', 'd3depot', '--', ...words);

  beforeEach(async () => {
    linux = await BootedLinux.boot();
    good('useradd', '--system', '--no-create-home', 'd3depot');
    good('install', '-d', '-o', 'd3depot', '/srv/d3');
    good('ln', '-sf', path.join(project, 'bin/d3'), '/usr/local/bin/d3');
    asOwner('/usr/local/bin/d3', 'depot', 'init', '/srv/d3');
  });
  afterEach(() => linux.stop());

  it('the server runs by the unit of the documentation: shut in, again after kill -9, and it ends well', async () => {
    const certified = selfSigned();
    good('mkdir', '-p', '/etc/d3');
    write('/etc/d3/depot.pem', certified.cert);
    write('/etc/d3/depot.key', certified.key);
    good('sh', '-c', 'chown d3depot /etc/d3/depot.key && chmod 600 /etc/d3/depot.key');
    const port = await freePort();
    const [, unit = ''] =
      /^```ini d3-depot-server\.service\n([\s\S]*?)^```$/m.exec(
        readFileSync(path.join(project, 'docs/serving.md'), 'utf8'),
      ) ?? [];
    expect(unit).to.include('0.0.0.0:8443');
    write(`/etc/systemd/system/${UNIT}`, unit.replace('0.0.0.0:8443', `127.0.0.1:${port}`));
    expect(good('systemd-analyze', 'verify', '--man=no', `/etc/systemd/system/${UNIT}`)).to.not.include('d3-depot');
    good('systemctl', 'daemon-reload');
    good('systemctl', 'start', UNIT);
    await answers(port, certified);
    const first = show(UNIT, 'MainPID');
    const status = good('cat', `/proc/${first}/status`);
    expect(status)
      .to.match(/^NoNewPrivs:\s+1$/m)
      .and.match(/^CapBnd:\s+0+$/m);
    expect(status).to.match(new RegExp(`^Uid:\\s+${good('id', '-u', 'd3depot').trim()}\\s`, 'm'));
    // As the kernel shows it what there is: all of it to be read only, its own folder to be written, other people's homes empty.
    const mounts = good('cat', `/proc/${first}/mountinfo`).trim().split('\n');
    const mounted = (place: string) =>
      mounts.map((line) => line.split(' ')).findLast((fields) => fields[4] === place)?.[5];
    expect(mounted('/')).to.match(/^ro\b/);
    expect(mounted('/srv/d3')).to.match(/^rw\b/);
    expect(mounted('/home')).to.match(/^ro\b/);
    // It does its work there: a change is signed and shown.
    const before = version();
    asOwner(
      'env',
      'USER=sally',
      '/usr/local/bin/d3',
      'admin',
      'group',
      'add',
      'some',
      '--depot',
      '/srv/d3',
      '--no-input',
    );
    expect(version()).to.be.greaterThan(before);

    good('kill', '-9', first);
    await until(() => ![first, '0'].includes(show(UNIT, 'MainPID')));
    await answers(port, certified);
    expect(show(UNIT, 'NRestarts')).to.equal('1');

    good('systemctl', 'stop', UNIT);
    expect([show(UNIT, 'ActiveState'), show(UNIT, 'Result'), show(UNIT, 'ExecMainStatus')]).to.deep.equal([
      'inactive',
      'success',
      '0',
    ]);
  });

  it('the timer renews the signatures as the owner of the depot, and goes without a trace', async () => {
    good('/usr/local/bin/d3', 'depot', 'service', 'install', '--depot', '/srv/d3');
    expect(good('systemctl', 'is-active', 'd3-depot.timer')).to.equal('active\n');
    expect(good('systemctl', 'is-enabled', 'd3-depot.timer')).to.equal('enabled\n');
    const { result } = JSON.parse(good('/usr/local/bin/d3', 'depot', 'service', 'status', '--json'));
    expect(result).to.deep.include({ installed: true, active: true });
    expect(Date.parse(result.next)).to.be.greaterThan(Date.now());
    const before = version();
    // A day is long: for this once it comes within a second, and all else is as it was laid down.
    good('mkdir', '/etc/systemd/system/d3-depot.timer.d');
    write(
      '/etc/systemd/system/d3-depot.timer.d/lab.conf',
      '[Timer]\nOnActiveSec=1s\nAccuracySec=100ms\nRandomizedDelaySec=0\n',
    );
    good('systemctl', 'daemon-reload');
    good('systemctl', 'restart', 'd3-depot.timer');
    await until(() => version() > before);
    await until(() => show('d3-depot.service', 'ActiveState') === 'inactive');
    expect([show('d3-depot.service', 'Result'), show('d3-depot.service', 'ExecMainStatus')]).to.deep.equal([
      'success',
      '0',
    ]);
    expect(good('find', '/srv/d3', '!', '-user', 'd3depot')).to.equal('');
    good('rm', '-r', '/etc/systemd/system/d3-depot.timer.d');
    good('/usr/local/bin/d3', 'depot', 'service', 'remove');
    expect(linux.run('systemctl', 'is-active', 'd3-depot.timer').output).to.equal('inactive\n');
    expect(good('find', '/etc/systemd/system', '-name', 'd3-depot*')).to.equal('');
  });

  /** Of what machines ask for first. */
  function version(): number {
    return JSON.parse(good('cat', '/srv/d3/public/metadata/timestamp.json')).signed.version;
  }
});

async function answers(port: number, { cert }: Certified): Promise<void> {
  const ready = () =>
    new Promise<boolean>((resolve) => {
      get({ host: '127.0.0.1', port, path: '/ready', ca: cert, agent: false }, (answer) => {
        answer.resume();
        resolve(answer.statusCode === 200);
      }).on('error', () => resolve(false));
    });
  await until(ready);
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let waited = 0; !(await isSo()); waited += 200) {
    if (waited > 60_000) throw new Error('it never came to be so');
    await sleep(200);
  }
}

async function freePort(): Promise<number> {
  const listener = createServer();
  await new Promise<void>((resolve) => {
    listener.listen(0, '127.0.0.1', resolve);
  });
  const { port } = listener.address() as { port: number };
  await new Promise((resolve) => {
    listener.close(resolve);
  });
  return port;
}
