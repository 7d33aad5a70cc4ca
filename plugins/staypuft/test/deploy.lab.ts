import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { until } from '../../../test/support/waiting.ts';
import { D3, type DeployHost, DeployLab, type Ended, processesOf } from './support/deploy-lab.ts';

const [FAILED_HELD, PARTLY, BUSY] = [44, 40, 41];
/** Seconds in which a host has to answer here. */
const READY = 4;
/** A number of seconds that no other process sleeps. */
const LONG = 61_137;

describe('a deployment, as it is driven by hand over real sshds behind a jump host', function () {
  this.timeout(240_000);
  let lab: DeployLab;
  let db1: DeployHost;
  let db2: DeployHost;
  let web1: DeployHost;
  let web2: DeployHost;
  let doll: DeployHost;
  /** What happened on all hosts, in its order. */
  let order: string;

  before(async () => {
    lab = await DeployLab.make({ deployment: { readySeconds: READY } });
    [db1, db2, web1, web2] = [
      await lab.host('db1'),
      await lab.host('db2'),
      await lab.host('web1'),
      await lab.host('web2'),
    ];
    doll = await lab.host('doll');
    order = file('order', '');
    for (const host of [db1, db2, web2]) host.d3(RECORDING);
    web1.d3(realD3(lab, web1));
    writeFileSync(
      path.join(web1.root, 'facts.json'),
      JSON.stringify({ processes: [], serial: 'WEB1', boot: 'boot 1' }),
    );
    await lab.sandbox.add('lamp', '1', { live: true, autoGroups: 'standard' });
    await good('proxy', 'add', 'dmz', '--address', lab.jump, '--user', 'root', '--key', lab.key);
    await good('admin', 'computer', 'discover', '--from', file('hosts.json', inventory()));
    await good('blueprint', 'import', file('shop.yaml', blueprint(order)));
    await good('deployment', 'create', 'shop', '--blueprint', 'shop');
    await good('deployment', 'assign', 'shop', 'db1', 'db2', '--role', 'db');
    await good('deployment', 'assign', 'shop', 'web1', 'web2', '--role', 'web');
  });
  after(() => lab?.remove());

  afterEach(async function () {
    // One that is left open would have the next refused.
    if (this.currentTest?.state === 'failed') await lab.d3('deployment', 'cancel', 'shop', '--reason', 'the next one');
    for (const host of lab.hosts.values())
      for (const each of ['broken', 'slow', 'begun', 'calls']) host.write(each, null);
    writeFileSync(order, '');
  });

  function file(name: string, text: string): string {
    const at = path.join(lab.sandbox.dir, name);
    writeFileSync(at, text);
    return at;
  }

  function inventory(): string {
    const hosts = [...lab.hosts.values()].map(({ name, address }) => ({ name, address, user: 'root', proxy: 'dmz' }));
    return JSON.stringify({ hosts });
  }

  async function ends(code: number, ...line: string[]): Promise<Ended> {
    const end = await lab.d3(...line);
    expect(end.code, `${line.join(' ')}: ${end.stderr}${end.stdout}`).to.equal(code);
    return end;
  }

  function good(...line: string[]): Promise<Ended> {
    return ends(0, ...line);
  }

  async function states(): Promise<Record<string, string>> {
    const { stdout } = await good('deployment', 'show', 'shop', '--json');
    const { hosts } = JSON.parse(stdout).result as { hosts: { host: string; state: string }[] };
    return Object.fromEntries(hosts.map(({ host, state }) => [host, state]));
  }

  const all = (state: string) => ({ db1: state, db2: state, web1: state, web2: state });
  const happened = () =>
    readFileSync(order, 'utf8')
      .trim()
      .split('\n')
      .filter((line) => line !== '');
  const begun = (host: DeployHost) =>
    host
      .read('begun')
      .split('\n')
      .filter((line) => line !== '').length;
  const marks = () => [...lab.hosts.values()].filter(({ isMarked }) => isMarked).map(({ name }) => name);

  it('staypuft:E-03 staypuft:E-10 staypuft:E-14 two roles of two hosts are planned, run in order, and released; a second run has nothing to do', async () => {
    const plan = await good('deployment', 'plan', 'shop');
    for (const word of ['db1', 'db2', 'web1', 'web2', 'sync', 'say what it is']) expect(plan.stdout).to.contain(word);
    expect(happened()).to.deep.equal([]);
    await good('deployment', 'run', 'shop');
    expect(await states()).to.deep.equal(all('released'));
    expect(marks()).to.deep.equal([]);
    const lines = happened();
    expect(lines.toSorted()).to.deep.equal(
      ['db1', 'db2', 'web1', 'web2'].flatMap((host) => [`${host} begins`, `${host} ends`]),
    );
    expect(
      lines.slice(0, 4).every((line) => line.startsWith('db')),
      lines.join(),
    ).to.equal(true);
    // The deployment has the host sync, for which its own mark is set aside.
    expect(db1.read('calls')).to.equal('sync --no-input --wait 600: not marked\n');
    expect((await web1.types('d3', 'list-installed')).stdout).to.match(/^lamp +1-1 +live /m);
    const report = (await good('deployment', 'report', 'shop')).stdout;
    expect(report).to.match(/^# .*shop/m);
    for (const word of ['db1', 'db2', 'web1', 'web2', 'released', 'say what it is']) expect(report).to.contain(word);
    const again = await good('deployment', 'run', 'shop');
    expect(again.stdout + again.stderr).to.match(/nothing to do/i);
    expect(happened()).to.deep.equal(lines);
  });

  it('staypuft:E-04 staypuft:E-05 one host fails: its sibling ends, the role behind is not begun; mended and tried again, all is done', async () => {
    db1.write('broken', '');
    const held = await ends(FAILED_HELD, 'deployment', 'run', 'shop', '--again');
    expect(held.stdout + held.stderr).to.contain('db1');
    expect(held.stdout + held.stderr).to.contain('the disk is full');
    expect(happened().toSorted()).to.deep.equal(['db1 begins', 'db2 begins', 'db2 ends']);
    expect([(await states())['db1'], marks().length]).to.deep.equal(['failed', 4]);
    db1.write('broken', null);
    await good('deployment', 'retry', 'shop');
    await good('deployment', 'resume', 'shop');
    expect(await states()).to.deep.equal(all('released'));
    expect([begun(db1), begun(db2), begun(web1), begun(web2)]).to.deep.equal([2, 1, 1, 1]);
    expect(marks()).to.deep.equal([]);
  });

  it('staypuft:E-06 staypuft:E-18 a host that is left out, with a reason: the others go on, and the run ends partly done', async () => {
    db2.write('broken', '');
    await ends(FAILED_HELD, 'deployment', 'run', 'shop', '--again');
    await good('deployment', 'skip', 'shop', '--host', 'db2', '--reason', 'its disk comes on monday');
    await ends(PARTLY, 'deployment', 'resume', 'shop');
    expect([begun(web1), begun(web2)]).to.deep.equal([1, 1]);
    expect((await good('deployment', 'report', 'shop')).stdout).to.contain('its disk comes on monday');
  });

  it('staypuft:D-03 staypuft:K-05 a host that is gone, and one whose host key is another: each is named, with what to do', async () => {
    await db2.stop();
    const gone = await ends(FAILED_HELD, 'deployment', 'run', 'shop', '--again', '--role', 'db');
    expect(gone.stdout + gone.stderr).to.contain(`db2 could not be reached within ${READY} s`);
    await db2.start(lab.authorized, 'another-key');
    await good('deployment', 'retry', 'shop');
    const swapped = await ends(FAILED_HELD, 'deployment', 'resume', 'shop');
    expect(swapped.stdout + swapped.stderr).to.match(/db2.*host key/s);
    expect(swapped.stdout + swapped.stderr).to.contain('d3 proxy hostkeys dmz db2 --accept');
    expect(begun(db2)).to.equal(0);
    await good('proxy', 'hostkeys', 'dmz', 'db2', '--accept');
    await good('deployment', 'retry', 'shop');
    await good('deployment', 'resume', 'shop');
    expect([begun(db1), begun(db2)]).to.deep.equal([1, 1]);
  });

  it('staypuft:E-05 the controller is killed while a host works: another finds that work again, and it ran once; meanwhile the host’s own sync waits', async () => {
    web1.write('slow', '12');
    const run = lab.begins(['deployment', 'run', 'shop', '--again', '--limit', 'web1']);
    await until('web1 is at work', () => begun(web1) === 1, 60_000);
    run.child.kill('SIGKILL');
    await run.ended;
    const own = await web1.types('d3', 'sync');
    expect([own.code, own.stdout + own.stderr]).to.satisfy(
      ([code, said]: [number, string]) => code === 0 && said.includes('the deployment shop has this machine'),
      JSON.stringify(own),
    );
    await good('deployment', 'resume', 'shop');
    expect(begun(web1)).to.equal(1);
    expect(happened()).to.deep.equal(['web1 begins', 'web1 ends']);
    expect(marks()).to.deep.equal([]);
  });

  it('staypuft:E-07 cancelling ends what runs on the host', async () => {
    web2.write('slow', String(LONG));
    const run = lab.begins(['deployment', 'run', 'shop', '--again', '--limit', 'web2']);
    await until('web2 is at work', () => processesOf(`sleep ${LONG}`).length > 0, 60_000);
    await good('deployment', 'cancel', 'shop', '--reason', 'wrong rack');
    expect((await run.ended).code).to.equal(1);
    await until('nothing is left', () => processesOf(`sleep ${LONG}`).length === 0, 20_000);
    // Where nobody works on it any more, whoever cancels it ends it.
    const lost = lab.begins(['run', 'worker', '--lease', '8s']);
    await good('deployment', 'run', 'shop', '--again', '--limit', 'web2', '--detach');
    await until('web2 is at work again', () => processesOf(`sleep ${LONG}`).length > 0, 60_000);
    lost.child.kill('SIGKILL');
    await lost.ended;
    await good('deployment', 'cancel', 'shop', '--reason', 'wrong rack');
    await until('nothing is left again', () => processesOf(`sleep ${LONG}`).length === 0, 20_000);
    expect((await good('deployment', 'report', 'shop')).stdout).to.contain('wrong rack');
  });

  it('staypuft:E-07 cancelling ends a run of Puppet whose controller was lost', async () => {
    const long = LONG + 1;
    doll.puppet(`#!/bin/sh\nsleep ${long}\n`);
    await doll.stop();
    await doll.start(lab.authorized);
    await good('blueprint', 'import', file('dolls.yaml', DOLLS));
    await good('deployment', 'create', 'dolls', '--blueprint', 'dolls');
    await good('deployment', 'assign', 'dolls', 'doll', '--role', 'doll');
    const lost = lab.begins(['run', 'worker', '--lease', '8s']);
    await good('deployment', 'run', 'dolls', '--detach');
    await until('Puppet runs', () => processesOf(`sleep ${long}`).length > 0, 60_000);
    lost.child.kill('SIGKILL');
    await lost.ended;
    expect(processesOf(`sleep ${long}`)).to.have.length(1);
    const { stdout } = await good('deployment', 'cancel', 'dolls', '--reason', 'wrong rack');
    expect(stdout)
      .to.match(/doll.*is ended/)
      .and.to.not.contain('may go on');
    expect(processesOf(`sleep ${long}`)).to.deep.equal([]);
  });

  it('staypuft:E-16 two workers share a served depot; one is killed, and the other goes on when its lease is over', async () => {
    const token = await good('admin', 'token', 'add', 'sally', '--role', 'admin', '--json');
    const { secret } = JSON.parse(token.stdout).result as { secret: string };
    const url = await lab.serve();
    const env = { D3_DEPOT: url, D3_CREDENTIALS: `sally:${secret}`, D3_FLAG_ADMIN: 'sally' };
    const worker = () => lab.begins(['run', 'worker', '--lease', '20s', '--jobs', '8'], env);
    for (const host of [db1, db2]) host.write('slow', '6');
    const first = worker();
    const run = await lab.begins(['deployment', 'run', 'shop', '--again', '--detach'], env).ended;
    expect(run.code, run.stderr).to.equal(0);
    await until('the first works', () => begun(db1) + begun(db2) === 2, 60_000);
    const second = worker();
    first.child.kill('SIGKILL');
    await first.ended;
    // Until the lease is over nobody advances it, and whoever watches is told so.
    const watch = () => lab.begins(['deployment', 'watch', 'shop'], env).ended;
    let watched = await watch();
    for (let times = 0; watched.code === BUSY && times < 6; times += 1) watched = await watch();
    expect(watched.code, watched.stderr + watched.stdout).to.equal(0);
    second.child.kill('SIGTERM');
    await second.ended;
    expect([db1, db2, web1, web2].map(begun)).to.deep.equal([1, 1, 1, 1]);
    expect(await states()).to.deep.equal(all('released'));
  });
});

const DOLLS = `schema: d3/blueprint@1
name: dolls
description: One that Puppet runs on.
roles:
  - name: doll
    steps:
      - puppet: {}
`;

/** Writes down what it is called with, and whether the host is marked meanwhile. */
const RECORDING = `#!/bin/sh
is='not marked'
[ ! -e /var/lib/d3-deployment/mark.json ] || is=marked
echo "$*: $is" >> /var/lib/lab/calls
`;

/** A whole d3, for the machine whose /var/lib this host has. */
function realD3({ sandbox, env }: DeployLab, { root }: DeployHost): string {
  return `#!/bin/sh
export D3_ROOT=${root} D3_DEPOT=${sandbox.depot} HOME=${env['HOME']} XDG_DATA_HOME=/nonexistent XDG_CACHE_HOME=${env['XDG_CACHE_HOME']}
exec ${D3.join(' ')} "$@"
`;
}

function blueprint(order: string): string {
  const steps = `
      - sync
      - name: say what it is
        script: |
          #!/bin/sh
          set -eu
          cd /var/lib/lab
          echo "$(cat name) begins" >> ${order}
          echo once >> begun
          if [ -e broken ]; then echo 'the disk is full' >&2; exit 7; fi
          if [ -e slow ]; then sleep "$(cat slow)"; fi
          echo "$D3_ROLE" > is
          echo "$(cat name) ends" >> ${order}
      - assert: test -s /var/lib/lab/is`;
  return `schema: d3/blueprint@1
name: shop
description: Databases, then web servers.
roles:
  - name: db
    steps:${steps}
  - name: web
    after: [db]
    steps:${steps}
`;
}
