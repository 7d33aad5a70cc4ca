import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { D3Error } from '@d3/sdk';
import { expect } from 'chai';
import fc from 'fast-check';
import { d3 } from '../../../test/cli/spawn.ts';
import { Sandbox } from '../../../test/support/sandbox.ts';
import { authorizedLine, withKey, withoutKey } from '../src/client/authorized-keys.ts';
import { withoutSettings, withSettings } from '../src/client/puppet-conf.ts';
import { checkRegistration } from '../src/client/registration.ts';
import { checkAnswers } from '../src/proxy/answers.ts';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHl1dGFzb21lYnl0ZXNmb3JhdGVzdGtleWhlcmUx d3-dmz';
const OTHER = 'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDsomethingelse sally@work';
const CONF = `# Kept by hand.
[main]
    server = old.example.org   
  # certname = nothing
vardir = /var/lib/puppet

[master]
certname = master.example.org
[agent]
report=true
`;

describe('authorized_keys', () => {
  const line = authorizedLine({ publicKey: KEY, from: '10.0.0.5', command: 'say "hi"' });

  it('staypuft:K-08 the key may be for some addresses only, and for one command', () => {
    expect(line).to.equal(`from="10.0.0.5",command="say \\"hi\\"" ${KEY}`);
  });

  it('staypuft:S2-06 the line is there once, whatever else is there, and goes without a trace', () => {
    const texts = [null, '', `${OTHER}\n`, OTHER, `# note\n\n${OTHER}\n\n`, `no-pty ${OTHER}\r\n`];
    for (const text of texts) {
      const once = withKey(text, line, null);
      expect(once.split('\n').filter((one) => one === line)).to.have.length(1);
      expect(withKey(once, line, line)).to.equal(once);
      const back = withoutKey(once, line);
      expect(back).to.be.oneOf([text ?? '', `${text}\n`]);
    }
  });

  it('changes its own line in place, and leaves one alone that somebody else wrote for the same key', () => {
    const plain = authorizedLine({ publicKey: KEY, from: null, command: null });
    expect(withKey(`a\n${plain}\nb\n`, line, plain)).to.equal(`a\n${line}\nb\n`);
    const theirs = `restrict ${KEY.replace('d3-dmz', 'sally')}\n`;
    expect(withKey(theirs, line, null)).to.equal(theirs);
  });
});

describe('puppet.conf', () => {
  const wanted = [
    { section: 'main', key: 'server', value: 'puppet.example.org' },
    { section: 'main', key: 'certname', value: 'web1.example.org' },
    { section: 'agent', key: 'environment', value: 'discovery' },
  ] as const;

  it('staypuft:S2-07 only the wanted lines change, also where the agent’s section has its own; the second time nothing does', () => {
    const { text, edits } = withSettings(CONF, wanted);
    expect(text).to.equal(
      CONF.replace('server = old.example.org', 'server = puppet.example.org')
        .replace('vardir = /var/lib/puppet\n', 'vardir = /var/lib/puppet\ncertname = web1.example.org\n')
        .replace('report=true\n', 'report=true\nenvironment = discovery\n'),
    );
    expect(withSettings(text, wanted)).to.deep.equal({ text, edits: [] });
    expect(withoutSettings(text, edits)).to.equal(CONF);
    const both = withSettings('[main]\nserver=a\n[agent]\nserver = b\n', [wanted[0]]);
    expect(both.text).to.equal('[main]\nserver=puppet.example.org\n[agent]\nserver = puppet.example.org\n');
  });

  it('whatever stands there, all that is wanted is in force, and undoing leaves what was there', () => {
    const lineOf = fc.oneof(
      fc.constantFrom(
        '[main]',
        '[agent]',
        '[user]',
        '',
        '# server = x',
        'server=a',
        '  certname = b',
        'environment = c',
        'report = true',
      ),
    );
    fc.assert(
      fc.property(fc.array(lineOf, { maxLength: 12 }), fc.boolean(), (lines, isEnded) => {
        const before = lines.join('\n') + (isEnded ? '\n' : '');
        const { text, edits } = withSettings(before, wanted);
        expect(withSettings(text, wanted).edits).to.deep.equal([]);
        const back = withoutSettings(text, edits);
        expect(back).to.be.oneOf([before, `${before}\n`]);
      }),
    );
  });

  it('what somebody has changed since is left as it is', () => {
    const { text, edits } = withSettings(CONF, wanted);
    const since = text.replace('server = puppet.example.org', 'server = by-hand.example.org');
    expect(withoutSettings(since, edits)).to.contain('server = by-hand.example.org');
  });
});

describe('d3 client setup', function () {
  this.timeout(240_000);
  let sandbox: Sandbox;
  let root: string;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    root = sandbox.machine('host', { name: 'web1.example.org' }).root;
    write('etc/passwd', 'root:x:0:0:root:/root:/bin/bash\ndeploy:x:1000:1000::/home/deploy:/bin/sh\n');
    write('etc/ssh/ssh_host_ed25519_key.pub', `${KEY}\n`);
    write('etc/ssh/ssh_host_broken_key.pub', 'nonsense\n');
  });
  afterEach(() => sandbox.remove());

  function write(file: string, text: string): void {
    const at = path.join(root, file);
    mkdirSync(path.dirname(at), { recursive: true });
    writeFileSync(at, text);
  }
  const read = (file: string) => readFileSync(path.join(root, file), 'utf8');
  const answers = (changes: Record<string, unknown> = {}) => {
    const file = path.join(sandbox.dir, 'answers.json');
    const all = {
      schema: 'd3/client-answers@1',
      proxy: 'dmz',
      user: 'root',
      publicKey: KEY,
      from: null,
      command: null,
    };
    writeFileSync(file, JSON.stringify({ ...all, server: null, caServer: null, environment: null, ...changes }));
    return file;
  };
  const run = async (...line: string[]) => {
    const ended = await d3(['client', ...line, '--root', root, '--json'], { cwd: sandbox.dir });
    return { code: ended.code, ...JSON.parse(ended.stdout) };
  };
  /** A Puppet agent that writes down how it was called and ends as it is told. */
  const puppet = (at: string, code: number) => {
    write(at, `#!/bin/sh\necho "$@" >> '${root}/called'\necho 'Error: no certificate'\nexit ${code}\n`);
    chmodSync(path.join(root, at), 0o755);
  };

  it('staypuft:S2-06 staypuft:U-04 adds the key and nothing else where no server is named; remove takes it away', async () => {
    write('root/.ssh/authorized_keys', `${OTHER}\n`);
    chmodSync(path.join(root, 'root/.ssh/authorized_keys'), 0o640);
    const dry = await run('setup', '--answers', answers(), '--dry-run');
    expect(dry.result.changed).to.deep.equal(['the key of dmz is in /root/.ssh/authorized_keys']);
    expect(read('root/.ssh/authorized_keys')).to.equal(`${OTHER}\n`);
    const first = await run('setup', '--answers', answers());
    expect(first.code, JSON.stringify(first)).to.equal(0);
    expect(read('root/.ssh/authorized_keys')).to.equal(`${OTHER}\n${KEY}\n`);
    expect(statSync(path.join(root, 'root/.ssh/authorized_keys')).mode & 0o777).to.equal(0o640);
    const again = await run('setup', '--answers', answers());
    expect(again.result.changed).to.deep.equal([]);
    expect((await run('remove')).result.changed).to.deep.equal(['the key is out of /root/.ssh/authorized_keys']);
    expect(read('root/.ssh/authorized_keys')).to.equal(`${OTHER}\n`);
    expect((await run('remove')).result.changed).to.deep.equal([]);
  });

  for (const [program, conf] of [
    ['opt/puppetlabs/bin/puppet', 'etc/puppetlabs/puppet/puppet.conf'],
    ['usr/bin/puppet', 'etc/puppet/puppet.conf'],
  ] as const)
    it(`staypuft:S2-05 staypuft:S2-07 staypuft:S2-08 tells the agent at ${program}, keeps it off, registers, and undoes just that`, async () => {
      puppet(program, 2);
      write(conf, CONF);
      const file = answers({
        server: 'puppet.example.org',
        environment: 'discovery',
        from: '10.0.0.5',
        user: 'deploy',
      });
      mkdirSync(path.join(root, 'home/deploy'), { recursive: true });
      const first = await run('setup', '--answers', file);
      expect(first.code, JSON.stringify(first)).to.equal(0);
      expect(first.result.changed).to.have.length(4);
      expect(read('home/deploy/.ssh/authorized_keys')).to.equal(`from="10.0.0.5" ${KEY}\n`);
      expect(statSync(path.join(root, 'home/deploy/.ssh/authorized_keys')).mode & 0o777).to.equal(0o600);
      expect(statSync(path.join(root, 'home/deploy/.ssh')).mode & 0o777).to.equal(0o700);
      expect(read('etc/systemd/system-preset/10-d3-puppet.preset')).to.contain('disable puppet.service');
      expect(read(conf)).to.contain('certname = web1.example.org').and.to.contain('environment = discovery');
      expect(read('called')).to.equal('agent --test --no-daemonize --tags no_such_tag --waitforcert 30\n');
      expect((await run('setup', '--answers', file)).result.changed).to.deep.equal([]);
      expect(read('called').split('\n')).to.have.length(2);
      expect((await run('remove')).code).to.equal(0);
      expect(read(conf)).to.equal(CONF);
      expect(existsSync(path.join(root, 'home/deploy/.ssh/authorized_keys'))).to.equal(false);
      expect(existsSync(path.join(root, 'etc/systemd/system-preset/10-d3-puppet.preset'))).to.equal(false);
    });

  it('staypuft:S2-08 says why it is not registered, and goes on from there the next time', async () => {
    puppet('usr/bin/puppet', 1);
    mkdirSync(path.join(root, 'etc/puppet'), { recursive: true });
    const file = answers({ server: 'puppet.example.org' });
    const failed = await run('setup', '--answers', file);
    expect([failed.code, failed.errors[0].code]).to.deep.equal([1, 'CLIENT_NOT_REGISTERED']);
    expect(failed.errors[0].message).to.contain('Error: no certificate');
    puppet('usr/bin/puppet', 0);
    const then = await run('setup', '--answers', file);
    expect(then.result.changed).to.deep.equal(['it is registered with puppet.example.org']);
    const { registration } = then.result;
    expect(registration.hostKeys).to.deep.equal([KEY.split(' ').slice(0, 2).join(' ')]);
    expect(checkRegistration(then, 'x')).to.deep.equal(registration);
  });

  it('follows no link, and takes no answers that are none', async () => {
    const outside = sandbox.folder('outside', { keys: 'untouched' });
    mkdirSync(path.join(root, 'root/.ssh'), { recursive: true });
    symlinkSync(path.join(outside, 'keys'), path.join(root, 'root/.ssh/authorized_keys'));
    expect((await run('setup', '--answers', answers())).code).to.equal(30);
    expect(readFileSync(path.join(outside, 'keys'), 'utf8')).to.equal('untouched');
    const wrong = [
      { publicKey: 'ssh-ed25519 AAAA\nssh-rsa BBBB' },
      { publicKey: 'no key' },
      { user: '../root' },
      { server: 'a b' },
      { from: '*" ssh-rsa' },
      { command: 'a\nb' },
      { environment: 'a b' },
      { schema: 'other' },
    ];
    for (const one of wrong)
      expect(() => checkAnswers(JSON.parse(readFileSync(answers(one), 'utf8')), 'x'), JSON.stringify(one)).to.throw(
        D3Error,
      );
    expect((await run('setup', '--answers', answers({ schema: 'd3/client-answers@2' }))).code).to.equal(30);
    expect((await run('setup', '--answers', answers({ server: 'puppet.example.org' }))).errors[0].code).to.equal(
      'PUPPET_ABSENT',
    );
    expect((await run('setup', '--answers', answers({ user: 'nobody-here' }))).errors[0].code).to.equal(
      'ACCOUNT_ABSENT',
    );
  });
});
