import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { expect } from 'chai';
import { d3, d3Program } from '../../../test/cli/spawn.ts';
import { Sandbox } from '../../../test/support/sandbox.ts';
import { hostKeys } from '../src/proxy/hostkeys.ts';
import { fingerprintOf, type HostKeyRecord } from '../src/ssh/host-keys.ts';
import { noSignal, SshLab } from './support/sshd.ts';

describe('d3 proxy over a real ssh', function () {
  this.timeout(600_000);
  let lab: SshLab;
  let sandbox: Sandbox;
  beforeEach(async () => {
    lab = new SshLab();
    sandbox = await Sandbox.make();
  });
  afterEach(async () => {
    await lab.remove();
    sandbox.remove();
  });
  const run = async (...line: string[]) => {
    const ended = await d3([...line, '--depot', sandbox.depot, '--admin', 'sally', '--json'], { cwd: sandbox.dir });
    return { code: ended.code, ...JSON.parse(ended.stdout) };
  };

  it('staypuft:K-06 test says what is wrong with each host and what to do; host keys are shown, accepted, and held', async () => {
    const [jump, host] = [await lab.sshd('jump'), await lab.sshd('host')];
    await run(
      'proxy',
      'add',
      'dmz',
      '--address',
      '127.0.0.1',
      '--port',
      String(jump.port),
      '--user',
      lab.user,
      '--key',
      lab.file('id'),
    );
    const register = (name: string, port: number, keys: string[]) => {
      const said = {
        schema: 'd3/client-registration@1',
        name,
        user: lab.user,
        port,
        hostKeys: keys,
        computer: null,
        facts: {},
      };
      writeFileSync(lab.file(`${name}.json`), JSON.stringify(said));
      return run('client', 'register', lab.file(`${name}.json`), '--proxy', 'dmz', '--address', '127.0.0.1');
    };
    await register('good', host.port, [host.hostKey]);
    await register('anew', host.port, [jump.hostKey]);
    const tested = await run('proxy', 'test', 'dmz');
    const said = (tested.result.looks as { target: string; what: string; ok: boolean; next: string | null }[]).map(
      ({ target, what, ok }) => `${target} ${what} ${ok}`,
    );
    const isRoot = os.userInfo().uid === 0;
    expect(said).to.include.members(['dmz key true', 'dmz reach true', 'good reach true', 'anew reach false']);
    if (isRoot) expect(said).to.include('good root true');
    expect(tested.errors.map((one: { code: string }) => one.code)).to.include('SSH_HOST_KEY_CHANGED');
    const shown = await run('proxy', 'hostkeys', 'dmz');
    const states = (shown.result.keys as { target: string; is: string; fingerprint: string }[]).map(
      ({ target, is, fingerprint }) => [target, is, fingerprint],
    );
    expect(states).to.deep.equal([
      ['dmz', 'known', fingerprintOf(jump.hostKey)],
      ['anew', 'changed', fingerprintOf(host.hostKey)],
      ['good', 'known', fingerprintOf(host.hostKey)],
    ]);
    expect((await run('proxy', 'hostkeys', 'dmz', 'anew', '--accept')).result.keys[0].accepted).to.equal(true);
    const then = await run('proxy', 'test', 'dmz', 'anew');
    expect(
      then.result.looks.find((one: { what: string; target: string }) => one.target === 'anew' && one.what === 'reach')
        .ok,
    ).to.equal(true);
  });

  it('staypuft:S2-11 a host is set up over ssh with a key of the admin’s, and lets the proxy’s in from then on', async () => {
    const { root } = sandbox.machine('host', { name: 'web1.example.org' });
    mkdirSync(`${root}/etc/ssh`, { recursive: true });
    writeFileSync(`${root}/etc/passwd`, `${lab.user}:x:0:0::/root:/bin/sh\n`);
    const bin = sandbox.folder('bin', { d3: `#!/bin/sh\nexec ${d3Program.join(' ')} "$@" --root ${root}\n` });
    chmodSync(`${bin}/d3`, 0o755);
    const host = await lab.sshd('host', { lines: [`SetEnv SHLVL=3 PATH=${bin}:/usr/bin:/bin`] });
    writeFileSync(`${root}/etc/ssh/ssh_host_ed25519_key.pub`, `${host.hostKey}\n`);
    const key = lab.makeKey('of-the-proxy');
    await run('proxy', 'add', 'dmz', '--key', lab.file('of-the-proxy'));
    const to = `${lab.user}@127.0.0.1:${host.port}`;
    expect((await run('proxy', 'setup', 'dmz', to, '--user', lab.user)).errors[0].code).to.equal('SSH_REFUSED_KEY');
    const line = ['proxy', 'setup', 'dmz', to, '--user', lab.user, '--key', lab.file('id')];
    const first = await run(...line);
    expect(first.code, JSON.stringify(first.errors)).to.equal(0);
    expect(first.result[0].changed).to.deep.equal(['the key of dmz is in /root/.ssh/authorized_keys']);
    expect(readFileSync(`${root}/root/.ssh/authorized_keys`, 'utf8')).to.equal(`${key}\n`);
    expect((await run(...line)).result[0]).to.deep.include({ host: 'web1.example.org', changed: [] });
    writeFileSync(lab.file('authorized_keys'), readFileSync(`${root}/root/.ssh/authorized_keys`));
    const tested = await run('proxy', 'test', 'dmz', 'web1.example.org');
    const reach = (tested.result.looks as { target: string; what: string; ok: boolean }[]).find(
      ({ what, target }) => what === 'reach' && target === 'web1.example.org',
    );
    expect(reach?.ok, JSON.stringify(tested)).to.equal(true);
  });

  it('staypuft:K-04 the proxy’s own account is told of host keys: a part of known_hosts, everything else stays', async () => {
    const home = lab.file('home');
    mkdirSync(`${home}/.ssh`, { recursive: true, mode: 0o700 });
    writeFileSync(`${home}/.ssh/known_hosts`, 'github.com ssh-ed25519 AAAA');
    // `cd` leads home: the account's own is left alone.
    const [jump, host] = [await lab.sshd('jump', { lines: [`SetEnv SHLVL=3 HOME=${home}`] }), await lab.sshd('host')];
    const proxy = lab.proxy(jump.port);
    const meta = { id: 1, generation: 1, changedAt: '', changedBy: '' };
    const behind = lab.target('web1', host.port, proxy, { hostKeys: [host.hostKey] }).host;
    const record: HostKeyRecord = { record: async (_kind, _name, keys) => keys, replace: async () => undefined };
    const remote = lab.remote();
    const home0 = await remote.lookAtProxy('jump', proxy, 'cd; pwd', { signal: noSignal });
    if (home0.output.trim() !== home) {
      rmSync(home, { recursive: true });
      throw new Error(`the test would write into ${home0.output}`);
    }
    const told = () =>
      hostKeys(
        { ...meta, name: 'jump', body: proxy },
        { hosts: [{ ...meta, name: 'web1', body: behind }], itself: false },
        { remote, record },
        { accept: false, distribute: true, signal: noSignal },
      );
    expect((await told()).result.distributed).to.equal(1);
    expect((await told()).result.distributed).to.equal(1);
    const lines = readFileSync(`${home}/.ssh/known_hosts`, 'utf8').trim().split('\n');
    expect(lines).to.deep.equal([
      'github.com ssh-ed25519 AAAA',
      '# d3: host keys of deployments, begin',
      `[127.0.0.1]:${host.port} ${host.hostKey}`,
      '# d3: host keys of deployments, end',
    ]);
    expect(existsSync(`${home}/.ssh/known_hosts.d3`)).to.equal(false);
  });
});
