import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { d3 } from '../../../test/cli/spawn.ts';
import { Sandbox } from '../../../test/support/sandbox.ts';
import { checkAnswers } from '../src/proxy/answers.ts';
import { failureOf, troubleOf } from '../src/ssh/failures.ts';
import { answerOf, Follower, lastBytes, lineOf } from '../src/ssh/frames.ts';
import { fingerprintOf, keysIn, knownHostsText } from '../src/ssh/host-keys.ts';
import { Places } from '../src/ssh/limits.ts';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHl1dGFzb21lYnl0ZXNmb3JhdGVzdGtleWhlcmUx';

describe('what is said over ssh', () => {
  it('a line holds any script, and what stands between the marks is told whole', () => {
    expect(lineOf("a\\n'b'\r\nc\n")).to.equal("a\\\\n'b'\\0015\\nc\\n");
    expect(() => lineOf('a\0b')).to.throw(RangeError);
    const stdout = 'noise\nd3:m:begin\none\ntwo\nd3:m:end 0\n';
    expect(answerOf('m', stdout)).to.deep.equal({ begun: true, end: 'end 0', text: 'one\ntwo' });
    expect(answerOf('m', 'd3:m:begin\n\nd3:m:end 0\n').text).to.equal('');
    expect(answerOf('other', stdout)).to.deep.equal({ begun: false, end: null, text: '' });
    expect(answerOf('m', 'd3:m:begin\nhalf')).to.deep.equal({ begun: true, end: null, text: 'half' });
  });

  it('lines are told once, over as many connections as it takes', () => {
    const told: string[] = [];
    const first = new Follower('m', (line) => told.push(line));
    for (const line of ['noise', '', 'd3:m:begin', 'a', 'b', 'hal', 'd3:m:later 7', 'after']) first.take(line);
    expect(told).to.deep.equal(['a', 'b']);
    const second = new Follower('n', (line) => told.push(line), { carry: first.rest, skip: 0 });
    for (const line of ['d3:n:begin', 'f', 'c', '', 'd3:n:end 0']) second.take(line);
    expect(told).to.deep.equal(['a', 'b', 'half', 'c']);
    const again = new Follower('o', (line) => told.push(line), { carry: '', skip: 1 });
    for (const line of ['d3:o:begin', 'told before', 'd', '', 'd3:o:end 0']) again.take(line);
    expect(told.slice(4)).to.deep.equal(['d']);
    expect(lastBytes('aäb', 3)).to.equal('äb');
    expect(lastBytes('aäb', 2)).to.equal('b');
  });

  it('staypuft:D-03 each way in which ssh does not get through has its own word and its own next step', () => {
    const said: Record<string, string> = {
      'root@h: Permission denied (publickey).': 'SSH_REFUSED_KEY',
      '@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.': 'SSH_HOST_KEY_CHANGED',
      'No ED25519 host key is known for h and you have requested strict checking.\nHost key verification failed.':
        'SSH_HOST_KEY_UNKNOWN',
      'ssh: connect to host h port 22: Connection refused': 'SSH_UNREACHABLE',
      'Stdio forwarding request failed: Session open refused by peer\nkex_exchange_identification: Connection closed by remote host':
        'SSH_UNREACHABLE',
      '': 'SSH_UNREACHABLE',
    };
    for (const [text, code] of Object.entries(said)) {
      const place = { kind: 'host', name: 'web1', user: 'root', address: 'h', port: 22, through: 'dmz' } as const;
      const error = failureOf(troubleOf(text), place, text);
      expect(error.code, text).to.equal(code);
      expect(error.target).to.equal('web1');
      expect(error.actions).to.not.deep.equal([]);
    }
    expect(troubleOf('kex_exchange_identification: Connection closed by remote host')).to.equal('crowded');
    expect(troubleOf('Stdio forwarding request failed\nkex_exchange_identification: x')).to.equal('transport');
  });

  it('known hosts are written from documents, and nothing else gets into them', () => {
    expect(knownHostsText({ address: 'WEB1', port: 22 }, [KEY, `${KEY}\nevil ssh-rsa AAAA`, 'nonsense'], [])).to.equal(
      `web1 ${KEY}\nweb1 ${KEY}\n`,
    );
    const text = knownHostsText({ address: '::1', port: 2222 }, [KEY], [`${KEY} comment`]);
    expect(text).to.equal(`@cert-authority [::1]:2222 ${KEY}\n[::1]:2222 ${KEY}\n`);
    expect(keysIn(text)).to.deep.equal([KEY]);
    expect(fingerprintOf(KEY)).to.match(/^SHA256:[A-Za-z0-9+/]{43}$/);
  });

  it('places are taken in turn, and given back once', async () => {
    const places = new Places(1);
    const { signal } = new AbortController();
    const give = await places.take(signal);
    const order: number[] = [];
    const second = places.take(signal).then((done) => (order.push(2), done));
    const stopped = new AbortController();
    const third = places.take(stopped.signal).then(
      () => 'taken',
      () => 'stopped',
    );
    stopped.abort();
    expect(await third).to.equal('stopped');
    expect(order).to.deep.equal([]);
    give();
    give();
    (await second)();
    (await places.take(signal))();
    expect(order).to.deep.equal([2]);
  });
});

describe('d3 proxy', function () {
  this.timeout(240_000);
  let sandbox: Sandbox;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
  });
  afterEach(() => sandbox.remove());
  const run = async (...line: string[]) => {
    const ended = await d3([...line, '--depot', sandbox.depot, '--admin', 'sally', '--json'], { cwd: sandbox.dir });
    return { code: ended.code, ...JSON.parse(ended.stdout) };
  };
  const proxy = (...line: string[]) => run('proxy', ...line);

  it('adds, changes and removes a way into a network, unless hosts are behind it', async () => {
    const added = await proxy('add', 'dmz', '--address', 'jump.example.org', '--user', 'deploy');
    expect([added.code, added.result.made, added.result.hostKeyMode]).to.deep.equal([0, true, 'accept-new']);
    const off = await proxy('add', 'DMZ', '--host-keys', 'off', '--opening', '3');
    expect([off.result.made, off.result.address, off.result.opening]).to.deep.equal([false, 'jump.example.org', 3]);
    expect(off.warnings).to.deep.equal(['Host keys are not checked through dmz.']);
    expect((await proxy('add', '../x', '--address', 'a')).code).to.equal(2);
    expect((await proxy('add', 'dmz', '--address', '-oProxyCommand=x')).code).to.equal(2);
    const registration = path.join(sandbox.dir, 'web1.json');
    const said = {
      schema: 'd3/client-registration@1',
      name: 'web1',
      user: 'root',
      port: 22,
      hostKeys: [KEY],
      computer: null,
      facts: {},
    };
    writeFileSync(registration, JSON.stringify(said));
    expect((await run('client', 'register', registration, '--proxy', 'dmz')).result).to.deep.equal({
      host: 'web1',
      made: true,
      changed: true,
      hostKeys: 1,
    });
    expect((await run('client', 'register', registration)).result.changed).to.equal(false);
    writeFileSync(registration, JSON.stringify({ ...said, hostKeys: [KEY.replace('Ux', 'Uy')] }));
    expect((await run('client', 'register', registration)).errors[0].code).to.equal('SSH_HOST_KEY_CHANGED');
    expect((await run('client', 'register', registration, '--accept')).code).to.equal(0);
    expect((await proxy('list')).result[0].hosts).to.equal(1);
    expect((await proxy('remove', 'dmz')).errors[0].code).to.equal('PROXY_IN_USE');
  });

  it('staypuft:K-01 staypuft:S2-03 staypuft:S2-04 staypuft:U-03 makes a key once, and what hosts’ owners paste has its public half', async function () {
    await proxy('add', 'dmz');
    expect((await proxy('answers', 'dmz')).errors[0].code).to.equal('PROXY_WITHOUT_KEY');
    if (!existsSync('/usr/bin/ssh-keygen')) this.skip();
    const { result, code } = await proxy('key', 'dmz');
    expect(code).to.equal(0);
    expect(result.publicKey).to.match(/^ssh-ed25519 \S+ d3-dmz$/);
    expect([result.key, path.dirname(result.key)].map((at) => statSync(at).mode & 0o777)).to.deep.equal([0o600, 0o700]);
    const secret = readFileSync(result.key, 'utf8');
    expect((await proxy('key', 'dmz', '--rsa')).result).to.deep.equal({ ...result, made: false });
    expect(readFileSync(result.key, 'utf8')).to.equal(secret);
    const file = path.join(sandbox.dir, 'answers.json');
    const answers = await proxy(
      'answers',
      'dmz',
      '--server',
      'puppet.example.org',
      '--from',
      '10.0.0.5',
      '--output',
      file,
    );
    expect(answers.result.answers).to.deep.equal(checkAnswers(JSON.parse(readFileSync(file, 'utf8')), file));
    expect(answers.result.answers).to.include({
      schema: 'd3/client-answers@1',
      publicKey: result.publicKey,
      environment: 'discovery',
    });
    // The block does on a host what it says: the file it makes is the file of answers.
    const { execFileSync } = await import('node:child_process');
    const block = (answers.result.instructions as string).replace(/^sudo .*$/m, '');
    execFileSync('/bin/sh', ['-c', block], { cwd: sandbox.dir });
    expect(readFileSync(path.join(sandbox.dir, 'd3-answers.json'), 'utf8')).to.equal(readFileSync(file, 'utf8'));
    expect(answers.result.instructions).to.contain('sudo d3 client setup --answers d3-answers.json');
  });
});
