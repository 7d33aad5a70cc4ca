import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { D3Error } from '@d3/sdk';
import { expect } from 'chai';
import { runProgram } from '../../../src/platform/program.ts';
import type { RemoteEnd } from '../src/ssh-port.ts';
import { noSignal, SshLab, setMode } from './support/sshd.ts';

async function failure(work: Promise<unknown>): Promise<D3Error> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error, String(error)).to.be.instanceOf(D3Error);
  return error as D3Error;
}

async function until(what: () => boolean): Promise<void> {
  for (let tries = 0; !what(); tries += 1) {
    if (tries > 300) throw new Error('it did not come about');
    await sleep(100);
  }
}

const options = { signal: noSignal };

describe('hosts over a real ssh', function () {
  this.timeout(600_000);
  let lab: SshLab;
  beforeEach(() => {
    lab = new SshLab();
  });
  afterEach(() => lab.remove());

  it('staypuft:P-01 reaches a host through a jump host over one shared connection, and uses the exit code', async () => {
    const [jump, host] = [await lab.sshd('jump'), await lab.sshd('host')];
    const proxy = lab.proxy(jump.port);
    const target = lab.target('web1', host.port, proxy);
    const remote = lab.remote();
    const first = await remote.look(target, 'cat; echo wrong >&2; exit 3', { ...options, input: 'read\nthis' });
    expect(first).to.deep.equal({ code: 3, timedOut: false, output: 'read\nthiswrong\n' });
    expect((await remote.look(target, "printf '%s' \"it's \\\\ fine\n\r\"", options)).output).to.equal(
      "it's \\ fine\n\r",
    );
    expect((await remote.look(target, 'exit 255', options)).code).to.equal(255);
    expect(jump.log().match(/Accepted publickey/g)).to.have.length(1);
    // One to put its key on record, and one for all that came after.
    expect(host.log().match(/Accepted publickey/g)).to.have.length(2);
    expect(await remote.bootId(target, noSignal)).to.match(/^[0-9a-f-]{36}$/);
    expect(lab.hostKeys.get('host web1')).to.deep.equal([host.hostKey]);
    expect(lab.hostKeys.get('proxy jump')).to.deep.equal([jump.hostKey]);
    expect(readdirSync(lab.file('room')).filter((name) => /^known-.*-.*-/.test(name))).to.deep.equal([]);
  });

  it('staypuft:D-10 a host that does not answer has no boot id; another error is no answer', async () => {
    const host = await lab.sshd('host');
    const remote = lab.remote();
    const target = lab.target('web1', host.port, lab.proxy(null));
    await host.stop();
    expect(await remote.bootId(target, noSignal)).to.equal(null);
    setMode(lab.file('id'), 0o644);
    expect((await failure(remote.bootId(target, noSignal))).code).to.equal('KEY_UNSAFE');
  });

  it('a host is logged in to once for all that is done on it; one that is there no more, or restarted, is noticed', async () => {
    const [jump, host] = [await lab.sshd('jump'), await lab.sshd('host')];
    const remote = lab.remote();
    const target = lab.target('web1', host.port, lab.proxy(jump.port), { hostKeys: [host.hostKey] });
    const logins = () => host.log().match(/Accepted publickey/g)?.length ?? 0;
    await remote.look(target, 'true', options);
    const end = await remote.work(target, { id: 'work-1', script: 'echo done; exit 4', timeout: 60 }, noSignal);
    expect([end.code, end.output]).to.deep.equal([4, 'done\n']);
    await remote.forget(target, 'work-1');
    expect(logins()).to.equal(1);
    const above =
      'p=$$; while [ "$(ps -o comm= -p $p)" != sshd ]; do p=$(ps -o ppid= -p $p); p=${p##* }; done; echo $p';
    const { output: session } = await remote.look(target, above, options);
    expect(logins()).to.equal(1);
    // As when the host restarts: all its connections go, and nobody says so.
    process.kill(Number(session), 'SIGKILL');
    expect((await remote.look(target, 'exit 5', options)).code).to.equal(5);
    expect(logins()).to.equal(2);
    // Whether somebody answers at all is not asked over a connection of before.
    expect(await remote.bootId(target, noSignal)).to.match(/^[0-9a-f-]{36}$/);
    await remote.look(target, 'true', options);
    expect(logins()).to.equal(3);
    await host.stop();
    expect(await remote.bootId(target, noSignal)).to.equal(null);
    const gone = await failure(remote.look(target, 'true', options));
    expect(gone.code).to.equal('SSH_UNREACHABLE');
    expect(gone.message).to.contain(`is not reached through the proxy jump: Stdio forwarding request failed`);
    await remote.close();
    expect(readdirSync(lab.file('room')).filter((name) => /^way-|^[0-9a-f]{20}$/.test(name))).to.deep.equal([]);
  });

  it('a connection that is kept is nobody’s who has another key', async () => {
    const host = await lab.sshd('host');
    const remote = lab.remote();
    const proxy = lab.proxy(null);
    const target = lab.target('web1', host.port, proxy, { hostKeys: [host.hostKey] });
    await remote.look(target, 'true', options);
    lab.makeKey('other');
    const strange = await failure(remote.look({ ...target, key: lab.file('other') }, 'true', options));
    expect(strange.code).to.equal('SSH_REFUSED_KEY');
    const other = lab.proxy(null, { key: lab.file('other') });
    const through = { ...target, proxy: { name: 'jump', proxy: other } };
    expect((await failure(remote.look(through, 'true', options))).code).to.equal('SSH_REFUSED_KEY');
    lab.makeKey('host-other');
    const [type, base64] = readFileSync(lab.file('host-other.pub'), 'utf8').split(' ');
    const swapped = { ...target, host: { ...target.host, hostKeys: [`${type} ${base64}`] } };
    expect((await failure(remote.look(swapped, 'true', options))).code).to.equal('SSH_HOST_KEY_CHANGED');
  });

  it('staypuft:D-03 a refused key, a wrong host key and a host that is gone are three errors, and none is the script’s', async () => {
    const [jump, host] = [await lab.sshd('jump'), await lab.sshd('host')];
    const remote = lab.remote();
    lab.makeKey('other');
    const stranger = lab.target('web1', host.port, lab.proxy(null, { key: lab.file('other') }));
    const refused = await failure(remote.look(stranger, 'true', options));
    expect([refused.code, refused.exit, refused.target]).to.deep.equal(['SSH_REFUSED_KEY', 'notAuthorised', 'web1']);
    expect(refused.actions.join(' ')).to.contain('d3 client setup');
    const proxy = lab.proxy(jump.port);
    const wrong = lab.target('web2', host.port, proxy, { hostKeys: [jump.hostKey] });
    const changed = await failure(remote.look(wrong, `touch ${lab.file('never')}`, options));
    expect([changed.code, changed.exit]).to.deep.equal(['SSH_HOST_KEY_CHANGED', 'verificationFailed']);
    expect(changed.actions.join(' ')).to.contain('d3 proxy hostkeys jump web2 --accept');
    expect(existsSync(lab.file('never'))).to.equal(false);
    await host.stop();
    for (const way of [proxy, lab.proxy(null)]) {
      const gone = await failure(remote.look(lab.target('web3', host.port, way), 'true', options));
      expect(gone.code, gone.message).to.equal('SSH_UNREACHABLE');
    }
    expect((await remote.look(lab.target('web4', jump.port, proxy), 'exit 255', options)).code).to.equal(255);
  });

  it('staypuft:K-02 off takes any host key and says so once each run', async () => {
    const host = await lab.sshd('host');
    const remote = lab.remote();
    const target = lab.target('web1', host.port, lab.proxy(null, { hostKeyMode: 'off' }), {
      hostKeys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'],
    });
    for (let times = 0; times < 3; times += 1) expect((await remote.look(target, 'true', options)).code).to.equal(0);
    expect(lab.warnings).to.have.length(1);
    expect(lab.warnings[0]).to.contain('Host keys are not checked for jump');
    expect(lab.hostKeys.size).to.equal(0);
  });

  it('staypuft:K-03 staypuft:K-05 accept-new keeps the first key, refuses another, and takes it when one host’s is forgotten on purpose', async () => {
    const first = await lab.sshd('host');
    const remote = lab.remote();
    const proxy = lab.proxy(null);
    const target = lab.target('web1', first.port, proxy);
    await remote.look(target, 'true', options);
    await first.stop();
    lab.hostKeys.set('host web2', [first.hostKey]);
    const second = await lab.sshd('host', { port: first.port, key: 'host-anew' });
    // The caller's copy of the document is old: what is on record counts.
    const changed = await failure(remote.look(target, `touch ${lab.file('never')}`, options));
    expect(changed.code).to.equal('SSH_HOST_KEY_CHANGED');
    expect(existsSync(lab.file('never'))).to.equal(false);
    await remote.forgetHostKey('web1');
    expect((await remote.look(target, 'true', options)).code).to.equal(0);
    expect(lab.hostKeys.get('host web1')).to.deep.equal([second.hostKey]);
    expect(lab.hostKeys.get('host web2')).to.deep.equal([first.hostKey]);
  });

  it('staypuft:D-16 strict sends nothing to a host whose key is not known', async () => {
    const host = await lab.sshd('host');
    const remote = lab.remote();
    const proxy = lab.proxy(null, { hostKeyMode: 'strict' });
    const unknown = await failure(remote.look(lab.target('web1', host.port, proxy), 'true', options));
    expect(unknown.code).to.equal('SSH_HOST_KEY_UNKNOWN');
    const known = lab.target('web1', host.port, proxy, { hostKeys: [host.hostKey] });
    expect((await remote.look(known, 'true', options)).code).to.equal(0);
  });

  it('staypuft:K-09 an authority that signs host keys and users is enough', async () => {
    const { execFileSync } = await import('node:child_process');
    lab.makeKey('authority');
    lab.makeKey('host-signed');
    lab.makeKey('users');
    const sign = (...args: string[]) => execFileSync('/usr/bin/ssh-keygen', ['-q', ...args]);
    sign('-s', lab.file('authority'), '-I', 'host', '-h', '-n', '127.0.0.1', lab.file('host-signed.pub'));
    lab.makeKey('by-certificate');
    sign('-s', lab.file('users'), '-I', 'd3', '-n', lab.user, lab.file('by-certificate.pub'));
    const host = await lab.sshd('host', {
      key: 'host-signed',
      lines: [`HostCertificate ${lab.file('host-signed-cert.pub')}`, `TrustedUserCAKeys ${lab.file('users.pub')}`],
    });
    const authorities = [readFileSync(lab.file('authority.pub'), 'utf8')];
    const remote = lab.remote();
    const proxy = lab.proxy(null, { hostKeyMode: 'strict', authorities, key: lab.file('by-certificate') });
    expect((await remote.look(lab.target('web1', host.port, proxy), 'true', options)).code).to.equal(0);
    const other = lab.proxy(null, {
      hostKeyMode: 'strict',
      authorities: [readFileSync(lab.file('users.pub'), 'utf8')],
    });
    expect((await failure(remote.look(lab.target('web1', host.port, other), 'true', options))).exit).to.equal(
      'verificationFailed',
    );
  });

  it('staypuft:K-07 a key that only an agent has is used, and no other of the agent', async () => {
    const { spawn, execFileSync } = await import('node:child_process');
    const host = await lab.sshd('host');
    const socket = lab.file('agent');
    const agent = spawn('/usr/bin/ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
    try {
      await until(() => existsSync(socket));
      execFileSync('/usr/bin/ssh-add', ['-q', lab.file('id')], { env: { SSH_AUTH_SOCK: socket } });
      rmSync(lab.file('id'));
      const proxy = lab.proxy(null, { key: null });
      const target = lab.target('web1', host.port, proxy);
      expect((await lab.remote({ agent: socket }).look(target, 'true', options)).code).to.equal(0);
      expect((await failure(lab.remote().look(target, 'true', options))).code).to.equal('SSH_REFUSED_KEY');
    } finally {
      agent.kill();
    }
  });

  it('a key that others can read, or change the folder of, is not used', async () => {
    const host = await lab.sshd('host');
    const target = lab.target('web1', host.port, lab.proxy(null));
    for (const [file, mode, back] of [
      ['id', 0o640, 0o600],
      ['.', 0o777, 0o700],
    ] as const) {
      setMode(lab.file(file), mode);
      expect((await failure(lab.remote().look(target, 'true', options))).code).to.equal('KEY_UNSAFE');
      setMode(lab.file(file), back);
    }
    rmSync(lab.file('id'));
    expect((await failure(lab.remote().look(target, 'true', options))).code).to.equal('KEY_ABSENT');
  });

  it('staypuft:K-10 200 commands, 32 at once, through a jump host and to one sshd that takes few: none is refused', async () => {
    const lines = ['MaxStartups 6:30:10', 'LoginGraceTime 60'];
    const [jump, host] = [await lab.sshd('jump', { lines }), await lab.sshd('host', { lines })];
    const proxy = lab.proxy(jump.port, { opening: 4 });
    const remote = lab.remote();
    const target = (number: number) => lab.target(`web${number}`, host.port, proxy, { hostKeys: [host.hostKey] });
    let [next, atOnce, most] = [0, 0, 0];
    const codes: (number | null)[] = [];
    const one = async () => {
      for (; next < 200; ) {
        const number = next;
        next += 1;
        atOnce += 1;
        most = Math.max(most, atOnce);
        const { code } = await remote.look(target(number % 50), `exit ${number % 7}`, options);
        codes[number] = code;
        atOnce -= 1;
      }
    };
    await Promise.all(Array.from({ length: 32 }, one));
    expect(codes).to.deep.equal(Array.from({ length: 200 }, (_, number) => number % 7));
    expect(most).to.equal(32);
    expect(jump.log().match(/Accepted publickey/g)).to.have.length(1);
    expect(host.log()).to.not.match(/MaxStartups|drop connection/);
  });

  it('whoever is told to stop while it makes the shared connection to a proxy stops nobody else', async () => {
    const [jump, host] = [await lab.sshd('jump'), await lab.sshd('host')];
    const cut = new AbortController();
    let opens: AbortSignal | undefined;
    const remote = lab.remote({
      run: async (request) => {
        if (request.args.includes('-M') && opens === undefined) {
          opens = request.signal;
          await once(cut.signal, 'abort');
        }
        return runProgram(request);
      },
    });
    const target = lab.target('web1', host.port, lab.proxy(jump.port));
    const first = failure(remote.look(target, 'true', { signal: cut.signal }));
    await until(() => opens !== undefined);
    const second = remote.look({ ...target, name: 'web2' }, 'exit 3', options);
    await sleep(100);
    cut.abort(new D3Error('STEP_TIMEOUT', 'failed', 'it did not end in time'));
    expect((await first).code).to.equal('STEP_TIMEOUT');
    expect((await second).code).to.equal(3);
  });

  it('staypuft:P-05 what sshd refuses for too many connections is tried again', async () => {
    const host = await lab.sshd('host', { lines: ['MaxStartups 1:100:1'] });
    const proxy = lab.proxy(null, { opening: 6 });
    const remote = lab.remote();
    const target = lab.target('web1', host.port, proxy, { hostKeys: [host.hostKey] });
    const ends = await Promise.all(Array.from({ length: 6 }, () => remote.look(target, 'true', options)));
    expect(ends.map(({ code }) => code)).to.deep.equal([0, 0, 0, 0, 0, 0]);
  });

  it('work tells its lines while it runs, over as many connections as it takes; its secrets are in no list of processes', async () => {
    const host = await lab.sshd('host');
    const target = lab.target('web1', host.port, lab.proxy(null));
    const lines: string[] = [];
    const script = [
      'ps ax -o args > all',
      'echo "$SECRET" | wc -c',
      'for i in 1 2 3 4 5 6; do printf "part "; sleep 1; echo "line $i"; done',
      'printf "no end"; exit 7',
    ].join('\n');
    const end = await lab.remote().work(
      target,
      {
        id: 'work-1',
        script: `cd ${lab.dir}\n${script}`,
        timeout: 60,
        environment: { SECRET: "hush'hush\n$(x)" },
        onLine: (line) => lines.push(line),
      },
      noSignal,
    );
    const expected = ['15', ...[1, 2, 3, 4, 5, 6].map((n) => `part line ${n}`), 'no end'];
    expect(lines).to.deep.equal(expected);
    expect(end).to.deep.equal({ code: 7, timedOut: false, output: expected.join('\n') });
    expect(readFileSync(lab.file('all'), 'utf8')).to.not.contain('hush');
    expect(statSync(lab.file('steps')).mode & 0o777).to.equal(0o700);
    expect(readdirSync(lab.file('steps/work-1'))).to.not.include('script');
  });

  it('work is found again after the controller was cut, runs once, and is forgotten when it is told to', async () => {
    const [jump, host] = [await lab.sshd('jump'), await lab.sshd('host')];
    const proxy = lab.proxy(jump.port);
    const target = lab.target('web1', host.port, proxy);
    const remote = lab.remote();
    const cut = new AbortController();
    const work = {
      id: 'work-2',
      script: `echo begun >> ${lab.file('count')}; while [ ! -e ${lab.file('go')} ]; do sleep 0.2; done; echo over; exit 5`,
      timeout: 60,
    };
    const first = remote.work(target, work, cut.signal);
    await until(() => existsSync(lab.file('count')));
    cut.abort(new Error('cut'));
    expect(
      await first.then(
        () => 'ended',
        () => 'cut',
      ),
    ).to.equal('cut');
    await remote.close();
    const another = lab.remote();
    expect(await another.find(target, 'work-2', noSignal)).to.equal('running');
    writeFileSync(lab.file('go'), '');
    const lines: string[] = [];
    const [end, same] = await Promise.all([
      another.work(target, { ...work, onLine: (line) => lines.push(line) }, noSignal),
      another.work(target, work, noSignal),
    ]);
    expect(end).to.deep.equal({ code: 5, timedOut: false, output: 'over\n' });
    expect(same).to.deep.equal(end);
    expect(lines).to.deep.equal(['over']);
    expect(readFileSync(lab.file('count'), 'utf8')).to.equal('begun\n');
    expect(await another.find(target, 'work-2', noSignal)).to.deep.equal(end);
    expect((await another.work(target, work, noSignal)).code).to.equal(5);
    expect(readFileSync(lab.file('count'), 'utf8')).to.equal('begun\n');
    await another.forget(target, 'work-2');
    expect(await another.find(target, 'work-2', noSignal)).to.equal(null);
    expect(readdirSync(lab.file('steps'))).to.deep.equal([]);
  });

  it('staypuft:D-10 nothing is known of work from before a restart of the host', async () => {
    const host = await lab.sshd('host');
    const target = lab.target('web1', host.port, lab.proxy(null));
    const remote = lab.remote();
    const work = { id: 'boot', script: `echo run >> ${lab.file('count')}`, timeout: 60 };
    await remote.work(target, work, noSignal);
    writeFileSync(lab.file('steps/boot/boot'), 'another\n');
    expect(await remote.find(target, 'boot', noSignal)).to.equal(null);
    expect((await remote.work(target, work, noSignal)).code).to.equal(0);
    expect(readFileSync(lab.file('count'), 'utf8')).to.equal('run\nrun\n');
  });

  it('ends work with all it started, whatever group it put itself in, and at its time', async () => {
    const host = await lab.sshd('host');
    const target = lab.target('web1', host.port, lab.proxy(null));
    const remote = lab.remote();
    const pids = lab.file('pids');
    const script = [
      `note() { echo $1 >> ${pids}; }`,
      `sh -c 'trap "" TERM; echo $$ >> ${pids}; while :; do sleep 1; done' &`,
      `(sleep 600 & echo $! >> ${pids})`,
      `setsid sleep 601 & note $!`,
      `note $$; echo ready; sleep 602`,
    ].join('\n');
    const end = remote.work(target, { id: 'tree', script, timeout: 600 }, noSignal);
    await until(() => existsSync(pids) && readFileSync(pids, 'utf8').trim().split('\n').length === 4);
    await remote.end(target, 'tree');
    expect(await end).to.deep.equal({ code: null, timedOut: false, output: 'ready\n' });
    expect(running(pids)).to.deep.equal([]);
    rmSync(pids);
    const late = await remote.work(target, { id: 'late', script, timeout: 3 }, noSignal);
    expect(late).to.deep.equal({ code: null, timedOut: true, output: 'ready\n' });
    expect(running(pids)).to.deep.equal([]);
  });

  it('staypuft:E-07 what waits for the end of work is not taken for a part of it', async () => {
    // It waits longer each time than it is looked at again.
    const slow = lab.file('slow');
    mkdirSync(slow);
    const sleeps =
      '#!/bin/sh\ntr "\\0" " " < /proc/$PPID/cmdline | grep -q "run start" && set -- 2\nexec /bin/sleep "$@"\n';
    writeFileSync(path.join(slow, 'sleep'), sleeps, { mode: 0o755 });
    const host = await lab.sshd('host', { lines: [`SetEnv SHLVL=3 PATH=${slow}:/usr/bin:/bin`] });
    const remote = lab.remote();
    const target = lab.target('web1', host.port, lab.proxy(null));
    const script = `touch ${lab.file('begun')}; sleep 600`;
    const work = remote.work(target, { id: 'one', script, timeout: 600 }, noSignal);
    await until(() => existsSync(lab.file('begun')));
    const began = performance.now();
    await remote.end(target, 'one');
    expect(await work).to.deep.equal({ code: null, timedOut: false, output: '' });
    expect(performance.now() - began).to.be.lessThan(9500);
  });

  it('staypuft:E-07 what has ended is not waited for where nobody fetches it, and what lost its shell is ended with it', async () => {
    const host = await lab.sshd('host', { unfetched: true });
    const remote = lab.remote();
    const target = lab.target('web1', host.port, lab.proxy(null));
    const script = `echo $PPID > ${lab.file('runner')}; sleep 999 & sleep 888`;
    const asked = { id: 'one', script, timeout: 600 };
    const running = () =>
      remote.look(target, 'ps -A -o stat=,args= | grep "^[^Z].*sleep [89][89][89]$" | wc -l', options);
    const work = remote.work(target, asked, noSignal);
    await until(() => existsSync(lab.file('runner')));
    const began = performance.now();
    await remote.end(target, 'one');
    expect(await work).to.deep.equal({ code: null, timedOut: false, output: '' });
    // It is tried for ten seconds where one of them does not end.
    expect(performance.now() - began).to.be.lessThan(9500);
    expect((await running()).output.trim()).to.equal('0');
    rmSync(lab.file('runner'));
    const cut = remote.work(target, { ...asked, id: 'two' }, noSignal).catch((error: D3Error) => error);
    await until(() => existsSync(lab.file('runner')));
    await remote.look(target, `kill -KILL "$(cat ${lab.file('runner')})"`, options);
    expect(await remote.find(target, 'two', noSignal)).not.to.equal('running');
    expect((await running()).output.trim()).to.equal('2');
    await remote.end(target, 'two');
    expect((await running()).output.trim()).to.equal('0');
    await cut;
  });

  it('staypuft:E-07 what a leader left that has ended and was never fetched is ended with its group', async () => {
    const host = await lab.sshd('host');
    const remote = lab.remote();
    const target = lab.target('web1', host.port, lab.proxy(null));
    const pid = lab.file('pid');
    const leader = `sleep 777 & echo $! > ${pid}`;
    const script = `perl -MPOSIX -e 'if (!fork) { POSIX::setsid(); exec "/bin/sh", "-c", $ENV{LEADER} } sleep 600'`;
    const asked = { id: 'one', script, timeout: 600, environment: { LEADER: leader } };
    const work = remote.work(target, asked, noSignal);
    await until(() => existsSync(pid) && readFileSync(pid, 'utf8') !== '');
    await remote.end(target, 'one');
    expect(await work).to.deep.equal({ code: null, timedOut: false, output: '' });
    expect(running(pid)).to.deep.equal([]);
  });

  it('staypuft:E-07 no shell among what is ended tells of another’s end, whichever is the first to go', async () => {
    const host = await lab.sshd('host');
    const target = lab.target('web1', host.port, lab.proxy(null));
    const remote = lab.remote();
    const script = [
      'i=0; while [ $i -lt 30 ]; do',
      `sh -c 'trap "" TERM; while :; do sleep 0.5; done' &`,
      `sh -c 'sleep 600; :' &`,
      'i=$((i+1)); done',
      `echo ready; touch ${lab.file('there')}; sleep 601; :`,
    ].join('\n');
    const end = remote.work(target, { id: 'shells', script, timeout: 600 }, noSignal);
    await until(() => existsSync(lab.file('there')));
    await remote.end(target, 'shells');
    expect(await end).to.deep.equal({ code: null, timedOut: false, output: 'ready\n' });
  });

  it('what a script prints is bounded on the host, and its end is kept', async () => {
    const host = await lab.sshd('host');
    const target = lab.target('web1', host.port, lab.proxy(null));
    const script =
      'i=0; while [ $i -lt 20 ]; do head -c 1000000 /dev/zero | tr "\\0" x; echo; i=$((i+1)); done; echo the end';
    const end = await lab.remote().work(target, { id: 'much', script, timeout: 100 }, noSignal);
    expect(end.code).to.equal(0);
    expect(end.output.endsWith('xx\nthe end\n')).to.equal(true);
    expect(Buffer.byteLength(end.output)).to.be.at.most(65_536);
    expect(statSync(lab.file('steps/much/out')).size).to.be.at.most(16 * 1024 * 1024);
  });

  it('nothing is kept where somebody else could have laid a link, and no id leads elsewhere', async () => {
    const host = await lab.sshd('host');
    const target = lab.target('web1', host.port, lab.proxy(null));
    const remote = lab.remote();
    symlinkSync(lab.dir, lab.file('steps'));
    const work = { script: 'true', timeout: 10 };
    expect((await failure(remote.work(target, { id: 'x', ...work }, noSignal))).code).to.equal('SSH_STEPS_FOLDER');
    for (const id of ['../x', 'a b', '', 'x'.repeat(65), '$(true)'])
      expect(
        await remote.work(target, { id, ...work }, noSignal).then(
          () => 0,
          (error: Error) => error.name,
        ),
      ).to.equal('RangeError');
  });

  it('every sh does the same', async function () {
    const shells = ['/bin/dash', '/bin/bash', '/bin/busybox'].filter((shell) => existsSync(shell));
    const host = await lab.sshd('host');
    const target = lab.target('web1', host.port, lab.proxy(null));
    const remote = lab.remote();
    const { INNER } = await import('../src/ssh/frames.ts');
    const { sent, workDriver, workLines } = await import('../src/ssh/steps.ts');
    expect(shells.length).to.be.greaterThan(1);
    for (const shell of shells) {
      const name = path.basename(shell);
      const lines = [
        workDriver('m', `in-${name}`, { base: lab.file('steps'), timeout: 20, offset: 0, begins: true }),
        ...workLines(`printf '%s\\n' "$A"; exit 4`, { A: 'ä\\n' }),
      ];
      const [first = '', ...rest] = lines;
      const word = shell.endsWith('busybox') ? `${shell} sh` : shell;
      const input = sent(first, rest).split('\n').slice(1).join('\n');
      const end: RemoteEnd = await remote.look(target, `exec ${word} -c '${INNER}'`, { ...options, input });
      expect(end.output, name).to.contain('d3:m:begin\nä\\n\n\nd3:m:end 4\n');
    }
  });
});

function running(file: string): string[] {
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .filter(
      (pid) =>
        existsSync(path.join('/proc', pid)) && !readFileSync(path.join('/proc', pid, 'stat'), 'utf8').includes(') Z '),
    );
}
