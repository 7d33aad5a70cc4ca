import type { Envelope } from '@d3/sdk';
import { expect } from 'chai';
import { d3, type Ended, fixture, run, whenWaiting } from './spawn.ts';

/** The one document on stdout; fails when there is anything else, or more than one. */
function document(ended: Ended): Envelope {
  expect(ended.stdout, ended.stderr).to.match(/^\{.*\}\n$/);
  expect(ended.stdout.trimEnd()).to.not.contain('\n');
  const envelope = JSON.parse(ended.stdout) as Envelope;
  expect(Object.keys(envelope)).to.deep.equal(['d3', 'command', 'exit', 'run', 'result', 'errors', 'warnings']);
  expect(envelope.d3).to.equal(1);
  expect(envelope.exit).to.equal(ended.code);
  return envelope;
}

describe('--json prints one envelope and nothing else', () => {
  it('on success, with the run and the warnings', async () => {
    const envelope = document(await fixture(['install', 'x', 'old', '--json']));
    expect(envelope).to.deep.include({ command: 'install', exit: 0, run: 'run-1', warnings: ['old is old.'] });
    expect(envelope.result).to.deep.include({ targets: ['x', 'old'] });
  });

  it('when single targets fail alike, differently, or not at all', async () => {
    const [alike, mixed] = await Promise.all([
      fixture(['install', 'no1', 'no2', '--json']),
      fixture(['install', 'no1', 'bad1', '--json']),
    ]);
    expect(document(alike)).to.deep.include({ exit: 34 });
    expect(document(mixed)).to.deep.include({ exit: 40 });
    expect(document(mixed).errors.map((error) => [error.code, error.target])).to.deep.equal([
      ['NOT_FOUND', 'no1'],
      ['REFUSED', 'bad1'],
    ]);
  });

  const failures: [what: string, argv: string[], exit: number, code: string, target: string | null][] = [
    ['an unknown flag', ['install', 'x', '--frobnicate'], 2, 'USAGE', '--frobnicate'],
    ['a missing argument', ['install'], 2, 'USAGE', 'TARGET'],
    ['a missing value', ['install', 'x', '--admin'], 2, 'USAGE', '--admin'],
    ['a malformed value', ['install', 'x', '--wait', 'long'], 2, 'USAGE', '--wait'],
    ['too many words', ['misbehave', 'crash', 'now'], 2, 'USAGE', 'now'],
    ['no command', [], 2, 'COMMAND_MISSING', null],
    ['half a command', ['admin'], 2, 'COMMAND_MISSING', null],
    ['an unknown command', ['instal', 'x'], 127, 'UNKNOWN_COMMAND', 'instal'],
    ['an unknown action', ['admin', 'frobnicate'], 127, 'UNKNOWN_COMMAND', 'frobnicate'],
    ['a crash', ['misbehave', 'crash'], 10, 'BUG', null],
    ['a crash nobody waits for', ['misbehave', 'crash-later'], 10, 'BUG', null],
    ['a command that never ends', ['misbehave', 'hang'], 10, 'BUG', null],
    ['an error of the machine', ['misbehave', 'full'], 1, 'ENOSPC', '/full/disk'],
    ['a question nobody can answer', ['misbehave', 'ask'], 2, 'CONFIRMATION_NEEDED', '-a'],
  ];
  for (const [what, argv, exit, code, target] of failures) {
    it(`on ${what}`, async () => {
      const envelope = document(await fixture([...argv, '--json']));
      expect(envelope).to.deep.include({ exit, result: null });
      expect(envelope.errors).to.have.lengthOf(1);
      expect(envelope.errors[0]).to.deep.include({ code, target });
      expect(JSON.stringify(envelope)).to.not.contain('node_modules');
    });
  }

  it('when D3_FLAG_JSON asks for it, in failures too', async () => {
    const env = { D3_FLAG_JSON: '1' };
    expect(document(await fixture(['install', 'x'], { env })).exit).to.equal(0);
    expect(document(await fixture(['frobnicate'], { env })).exit).to.equal(127);
  });

  it('with every problem of a validation', async () => {
    const envelope = document(await fixture(['misbehave', 'several', '--json']));
    expect(envelope.exit).to.equal(34);
    expect(envelope.errors.map((error) => error.target)).to.deep.equal(['a', 'b']);
  });

  it('when a signal stops it', async () => {
    for (const [signal, exit, code] of [
      ['SIGTERM', 143, 'TERMINATED'],
      ['SIGINT', 130, 'INTERRUPTED'],
    ] as const) {
      const ended = await fixture(['misbehave', 'wait', '--json', '-v', '-v'], {
        running: (child) => whenWaiting(child, [signal]),
      });
      const envelope = document(ended);
      expect(envelope).to.deep.include({ exit, command: 'misbehave' });
      expect(envelope.errors.map((error) => error.code)).to.deep.equal([code]);
    }
  });

  it('when the result cannot be written as JSON', async () => {
    const envelope = document(await fixture(['misbehave', 'unwritable', '--json']));
    expect(envelope.exit).to.equal(10);
    expect(envelope.errors).to.have.length(1);
  });

  it('holds no character a terminal would obey', async () => {
    const { stdout } = await fixture(['misbehave', 'controls', '--json']);
    expect(stdout.trimEnd()).to.not.match(/[\p{Cc}\u202e]/u);
    expect(JSON.parse(stdout).result).to.equal('a\u001b[31mb\u202ec\nd\u0007');
  });
});

describe('a signal', () => {
  it('lets the command stop at its next safe point, and what it got done is shown', async () => {
    const ended = await fixture(['misbehave', 'finish-step'], { running: (child) => whenWaiting(child, ['SIGTERM']) });
    expect(ended).to.deep.include({ code: 143, stdout: 'half\n' });
  });

  it('ends a waiting command', async () => {
    const ended = await fixture(['misbehave', 'wait'], { running: (child) => whenWaiting(child, ['SIGINT']) });
    expect(ended).to.deep.include({ code: 130, stdout: '' });
    expect(ended.stderr).to.match(/Error: Interrupted\.\n$/);
  });

  it('sent twice ends a command that does not listen', async () => {
    const ended = await fixture(['misbehave', 'stubborn'], {
      running: (child) => whenWaiting(child, ['SIGTERM', 'SIGTERM']),
    });
    expect(ended.code).to.equal(143);
  });
});

describe('an error as text', () => {
  it('says what happened, to what, and what to do next, on stderr only', async () => {
    const { code, stdout, stderr } = await fixture(['instal', 'x']);
    expect({ code, stdout }).to.deep.equal({ code: 127, stdout: '' });
    expect(stderr).to.equal(
      'Error: There is no command "instal".\n  Did you mean "d3 install"?\n  Next: "d3 help" lists all commands.\n',
    );
  });

  it('names the flag most like a mistyped one, and the usage', async () => {
    const { code, stderr } = await fixture(['install', 'x', '--forse']);
    expect(code).to.equal(2);
    expect(stderr).to.equal(
      'Error: There is no flag --forse.\n  Did you mean --force?\n  Usage: d3 install TARGET... [options]\n',
    );
  });

  it('shows a stack only with --debug', async () => {
    const [plain, debug] = await Promise.all([
      fixture(['misbehave', 'crash']),
      fixture(['misbehave', 'crash', '--debug']),
    ]);
    expect(plain.code).to.equal(10);
    expect(plain.stderr)
      .to.match(/report it/)
      .and.to.not.match(/misbehave\.ts/);
    expect(debug.stderr).to.match(/misbehave\.ts/);
  });
});

describe('the command line', () => {
  it('without a command is answered with the usage on stderr and exit 2', async () => {
    const { code, stdout, stderr } = await d3([]);
    expect({ code, stdout }).to.deep.equal({ code: 2, stdout: '' });
    expect(stderr)
      .to.match(/^Usage: d3 COMMAND/)
      .and.to.match(/^ {2}version, v /m);
  });

  it('asks for help: on stdout, exit 0, every command in it', async () => {
    for (const argv of [['help'], ['h'], ['-h'], ['--help'], ['-H']]) {
      const { code, stdout, stderr } = await d3(argv);
      expect({ code, stderr }, argv.join()).to.deep.equal({ code: 0, stderr: '' });
      expect(stdout)
        .to.match(/^ {2}help, h /m)
        .and.to.match(/^ {2}127 {2}unknown command$/m);
    }
  });

  it('depot3:BUG-03 d3 version and --version print the version', async () => {
    const [command, alias, flag, letter] = await Promise.all(
      [['version'], ['v'], ['--version'], ['-V']].map((argv) => d3(argv)),
    );
    expect(command).to.deep.include({ code: 0, stderr: '' });
    expect(command?.stdout).to.match(/^d3 \d+\.\d+\.\d+\S* \(Node \d+\.\d+\.\d+, \w+-\w+\)\n$/);
    for (const other of [alias, flag, letter]) expect(other?.stdout).to.equal(command?.stdout);
    expect(JSON.parse((await d3(['--version', '--json'])).stdout).result.node).to.equal(process.versions.node);
  });

  it('depot3:BUG-57 help and version work on a machine with nothing set up', async () => {
    const env = { HOME: '/nonexistent', PATH: '/nonexistent', D3_ROOT: '/nonexistent' };
    for (const argv of [['help'], ['help', 'version'], ['version']]) {
      expect(await d3(argv, { env, cwd: '/' })).to.deep.include({ code: 0, stderr: '' });
    }
  });

  it('is read wherever its options stand', async () => {
    const ended = await fixture(['-f', '-a', 'sally', '--json', 'install', 'x']);
    expect(JSON.parse(ended.stdout).result.flags).to.deep.include({ force: true, admin: 'sally' });
  });

  it('depot3:BUG-44 depot3:BUG-45 under admin a bare yes/no flag means yes', async () => {
    const argv = ['admin', 'add', '-R', 'x', '-F', 'NO', '-u', '0', '--json'];
    const { targets, flags } = JSON.parse((await fixture(argv)).stdout).result;
    expect(targets).to.deep.equal(['x']);
    expect(flags).to.deep.include({ reboot: 'y', 'remove-first': 'NO', removable: '0' });
  });

  it('is completed by D3_FLAG_<NAME>; no other D3_ variable is read', async () => {
    const env = { D3_FLAG_ADMIN: 'sally', D3_FLAG_DRY_RUN: '1', D3_FLAG_WAIT: '7', D3_ADMIN: 'bob', D3_DEBUG: '1' };
    const { stdout, stderr } = await fixture(['install', 'x', '--json'], { env });
    const { flags } = JSON.parse(stdout).result;
    const given = Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== false));
    expect(given).to.deep.equal({ json: true, admin: 'sally', 'dry-run': true, wait: 7 });
    expect(flags, 'a switch that is left out is off').to.deep.include({ force: false, debug: false });
    expect(stderr).to.equal('');
  });

  it('is refused when a root is given but empty', async () => {
    for (const [argv, env] of [
      [['install', 'x'], { D3_ROOT: '' }],
      [['install', 'x'], { D3_FLAG_ROOT: '' }],
      [['install', 'x', '--root='], {}],
    ] as const) {
      const { code, stderr } = await fixture(argv, { env });
      expect(code).to.equal(2);
      expect(stderr).to.match(/given but empty/);
    }
  });

  it('does not take missing words from stdin', async () => {
    expect(await fixture(['install'], { input: 'transmogrifier\n' })).to.deep.include({ code: 2 });
  });
});

describe('the screen', () => {
  it('can go away while the result is printed', async () => {
    const shell = (line: string) => run('bash', ['-o', 'pipefail', '-c', line]);
    const node = `"${process.execPath}" --conditions=d3-source --disable-warning=ExperimentalWarning`;
    const [help, much] = await Promise.all([
      shell(`${node} bin/dev.js help | head -1`),
      shell(`${node} test/cli/fixture/run.ts misbehave much | head -1`),
    ]);
    expect(help).to.deep.include({ code: 0, stderr: '' });
    expect(much).to.deep.equal({ code: 0, signal: null, stdout: 'line of text\n', stderr: '' });
  });

  it('is never waited for where nobody answers: closed, empty and silent stdin', async () => {
    for (const input of ['', 'y\n', null]) {
      const { code, stderr } = await fixture(['misbehave', 'ask'], { input });
      expect(code).to.equal(2);
      expect(stderr).to.match(/Give -a to answer/);
    }
    const closed = await run('sh', [
      '-c',
      `"${process.execPath}" --conditions=d3-source test/cli/fixture/run.ts misbehave ask <&-`,
    ]);
    expect(closed.code).to.equal(2);
  });

  it('gets data without the characters it would obey', async () => {
    expect((await fixture(['misbehave', 'controls'])).stdout).to.equal('a\\x1b[31mb\\u202ec\nd\\x07\n');
  });
});
