import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { D3Error } from '@d3/sdk';
import { expect } from 'chai';
import { d3Program } from '../../../test/cli/spawn.ts';
import { answersOf } from '../src/proxy/answers.ts';
import { setUpHosts } from '../src/proxy/setup.ts';
import type { ProxyDocument } from '../src/proxy/store.ts';
import type { Remote, RemoteEnd, Target } from '../src/ssh-port.ts';
import type { Proxy } from '../src/types.ts';
import { DeploymentSite } from './support/site.ts';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHl1dGFzb21lYnl0ZXNmb3JhdGVzdGtleWhlcmUx d3-dmz';
const HOST_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHl1dGFzb21lYnl0ZXNmb3JhdGVzdGtleWhlcmUy';
const { signal } = new AbortController();

describe('hosts that are set up over SSH', function () {
  this.timeout(120_000);
  let site: DeploymentSite;
  let root: string;
  let proxy: ProxyDocument;
  /** Where each look went, and with which key. */
  let looked: string[];
  /** What is `d3` on the hosts. */
  let program: string | null;

  beforeEach(async () => {
    site = await DeploymentSite.open();
    looked = [];
    ({ root } = site.sandbox.machine('host', { name: 'web1.example.org' }));
    write('etc/passwd', 'root:x:0:0:root:/root:/bin/bash\n');
    write('etc/ssh/ssh_host_ed25519_key.pub', `${HOST_KEY}\n`);
    program = `exec ${d3Program.join(' ')} "$@" --root ${root}`;
    const body: Proxy = {
      schema: 'd3/proxy@1',
      address: 'jump',
      port: 22,
      user: 'deploy',
      key: '/keys/dmz',
      publicKey: KEY,
      hostKeyMode: 'accept-new',
      hostKeys: [],
      authorities: [],
      opening: 4,
      sessions: 10,
    };
    await site.with((admin) => admin.documents('proxy').create('dmz', body));
    proxy = await site.with(async (admin) => (await admin.documents('proxy').byName('dmz')) as ProxyDocument);
  });
  afterEach(() => site.close());

  function write(file: string, text: string): void {
    const at = path.join(root, file);
    mkdirSync(path.dirname(at), { recursive: true });
    writeFileSync(at, text);
  }

  /** Every host is this machine; what is `d3` there, the test says. */
  const remote: Pick<Remote, 'look'> = {
    async look({ name, host, key }: Target, script, { input = '' }): Promise<RemoteEnd> {
      looked.push(`${name} ${host.user}@${host.address}:${host.port} ${key ?? 'proxy'}`);
      if (host.address === 'gone') throw new D3Error('SSH_UNREACHABLE', 'failed', 'gone is not reached.');
      const bin = site.sandbox.folder(`bin-${looked.length}`, {});
      if (program !== null) writeFileSync(path.join(bin, 'd3'), `#!/bin/sh\n${program}\n`, { mode: 0o755 });
      const child = spawn('/bin/sh', ['-c', script], {
        env: { PATH: `${bin}:/usr/bin:/bin`, TMPDIR: site.sandbox.dir, HOME: site.sandbox.dir },
      });
      child.stdin.end(input);
      let output = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
      const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
      return { code, timedOut: false, output };
    },
  };

  const setUp = (named: readonly string[], more: { key?: string; dryRun?: boolean } = {}) =>
    site.with((admin) =>
      setUpHosts(
        proxy,
        named,
        { answers: answersOf(proxy, {}), key: more.key ?? null, dryRun: more.dryRun ?? false },
        { admin, remote, signal },
      ),
    );
  const hosts = () =>
    site.with(async (admin) => (await admin.documents('host').list()).map(({ name, body }) => ({ name, ...body })));
  const authorized = () => path.join(root, 'root/.ssh/authorized_keys');

  it('staypuft:S2-11 a host does itself what d3 client setup does, and is registered; done again there is nothing to change', async () => {
    const dry = await setUp(['root@10.0.0.7:2222'], { key: '/root/.ssh/id', dryRun: true });
    expect(dry.errors).to.deep.equal([]);
    expect(dry.result).to.deep.equal([
      {
        named: 'root@10.0.0.7:2222',
        host: 'web1.example.org',
        changed: ['the key of dmz is in /root/.ssh/authorized_keys'],
        registered: null,
      },
    ]);
    expect([existsSync(authorized()), await hosts()]).to.deep.equal([false, []]);
    const first = await setUp(['root@10.0.0.7:2222'], { key: '/root/.ssh/id' });
    expect(first.result[0]).to.deep.include({ host: 'web1.example.org', changed: dry.result[0]?.changed });
    expect(readFileSync(authorized(), 'utf8')).to.equal(`${KEY}\n`);
    const [kept] = await hosts();
    expect(kept).to.deep.include({ name: 'web1.example.org', kind: 'registered', address: '10.0.0.7', port: 2222 });
    expect(kept).to.deep.include({ user: 'root', proxy: 'dmz', hostKeys: [HOST_KEY] });
    // From now on it lets the proxy's own key in.
    const again = await setUp(['WEB1.example.org']);
    expect(again.errors).to.deep.equal([]);
    expect(again.result[0]).to.deep.include({ host: 'web1.example.org', changed: [] });
    // Its first command gave the machine an id, which is known here from the next time on.
    const third = await setUp(['web1.example.org']);
    expect(third.result[0]?.registered).to.deep.include({ made: false, changed: false });
    expect(looked.at(-1)).to.equal('web1.example.org root@10.0.0.7:2222 proxy');
    expect(looked[0]).to.equal('root@10.0.0.7:2222 root@10.0.0.7:2222 /root/.ssh/id');
  });

  it('staypuft:S2-11 what one host fails with ends no other, and says what to do', async () => {
    const { result, errors } = await setUp(['gone', '[fd00::7]']);
    expect(result.map(({ named }) => named)).to.deep.equal(['[fd00::7]']);
    expect(errors.map(({ code }) => code)).to.deep.equal(['SSH_UNREACHABLE']);
    program = null;
    const without = await setUp(['10.0.0.8']);
    expect(without.errors.map(({ code, exit }) => [code, exit])).to.deep.equal([['HOST_WITHOUT_D3', 'notFound']]);
    expect(without.errors[0]?.actions.join()).to.contain('d3 proxy answers dmz');
    const bad = await setUp(['-oProxyCommand=x']).catch((error: unknown) => error);
    expect(bad).to.include({ code: 'HOST_ADDRESS', exit: 'usage' });
  });

  it('staypuft:S2-11 what a host says is taken for nothing but words: no other host is registered in its place', async () => {
    await site.hosts(['db1'], { hostKeys: [HOST_KEY.replace('Uy', 'Uz')], proxy: 'dmz', address: '10.0.0.1' });
    const says = (registration: object) =>
      `printf '%s' '${JSON.stringify({ d3: 1, result: { changed: [], registration }, errors: [] })}'`;
    const good = {
      schema: 'd3/client-registration@1',
      name: 'db1',
      user: 'root',
      port: 22,
      hostKeys: [HOST_KEY],
      computer: null,
      facts: {},
    };
    const before = await hosts();
    for (const [said, code] of [
      [says(good), 'SSH_HOST_KEY_CHANGED'],
      [says({ ...good, name: '../x' }), 'CLIENT_REGISTRATION'],
      ['echo nonsense', 'HOST_NOT_SET_UP'],
      [`echo '{"d3":1,"result":null,"errors":[{"message":"no \\u001b[2J room"}]}'; exit 1`, 'HOST_NOT_SET_UP'],
      [`echo '{"d3":1,"result":{"changed":"all"}}'`, 'HOST_NOT_SET_UP'],
    ] as const) {
      program = said;
      const { result, errors } = await setUp(['10.0.0.9']);
      expect([result, errors.map((error) => error.code)], said).to.deep.equal([[], [code]]);
      expect(errors[0]?.message).to.not.match(/\p{Cc}/u);
    }
    expect(await hosts()).to.deep.equal(before);
  });
});
