import { PassThrough } from 'node:stream';
import { D3Error, D3Errors } from '@d3/sdk';
import { expect } from 'chai';
import fc from 'fast-check';
import { closest, errorText, failureOf } from '../../src/terminal/errors.ts';
import { reporterTo } from '../../src/terminal/reporter.ts';
import { renderTable } from '../../src/terminal/table.ts';
import { Terminal } from '../../src/terminal/terminal.ts';
import { escapeLine, escapeText, safeJson, textWidth } from '../../src/terminal/text.ts';
import { memoryTerminal } from './memory-terminal.ts';

describe('text for a terminal', () => {
  it('shows control characters instead of sending them', () => {
    expect(escapeText('a\u001b]0;x\u0007b\nc\td')).to.equal('a\\x1b]0;x\\x07b\nc\td');
    expect(escapeText('\u009b31m \u202egnp.exe \u2066')).to.equal('\\x9b31m \\u202egnp.exe \\u2066');
    expect(escapeLine('a\nb\tc\r')).to.equal('a\\nb\\tc\\r');
  });

  it('never has a control character left, whatever comes in', () => {
    const dangerous = /(?![\n\t])\p{Cc}|[\u202a-\u202e\u2066-\u2069]/u;
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(escapeText(text)).to.not.match(dangerous);
        expect(escapeLine(text)).to.not.match(/[\n\t]/);
        expect(safeJson({ text }))
          .to.not.match(/[\n\t]/)
          .and.to.not.match(dangerous);
        expect(JSON.parse(safeJson({ text }))).to.deep.equal({ text });
      }),
    );
  });

  it('is measured in columns', () => {
    expect(['abc', 'é', 'e\u0301', '日本', '👍', ''].map(textWidth)).to.deep.equal([3, 1, 1, 4, 2, 0]);
  });
});

describe('a table', () => {
  const installed = {
    title: 'Installed packages',
    columns: ['Basename', 'Version', { header: 'Size', align: 'right' as const }],
    rows: [
      ['transmogrifier', '2.1.2-1', 9],
      ['日本', null, 1200],
    ],
  };

  it('has a title, a header and a rule that scripts can strip', () => {
    expect(renderTable(installed, 80)).to.deep.equal([
      '# Installed packages',
      '# Basename      Version  Size',
      '#----------------------------',
      'transmogrifier  2.1.2-1     9',
      '日本                     1200',
    ]);
  });

  it('has a rule no wider than the terminal, and whole rows', () => {
    const lines = renderTable(installed, 12);
    expect(lines[2]).to.equal('#-----------');
    expect(lines[3]).to.equal('transmogrifier  2.1.2-1     9');
  });

  it('says so on one line when it is empty', () => {
    expect(renderTable({ ...installed, rows: [] }, 80)).to.deep.equal(['# Installed packages: none']);
    expect(renderTable({ ...installed, rows: [], empty: 'Nothing is installed.' }, 80)).to.deep.equal([
      '# Nothing is installed.',
    ]);
  });

  it('keeps every row on its line, and none looks like a comment', () => {
    const rows = [
      ['# not a comment', 'a\nb'],
      ['x\u001b[2J', ''],
    ];
    const lines = renderTable({ title: 'T', columns: ['A', 'B'], rows }, 80);
    expect(lines.slice(3)).to.deep.equal(['\\# not a comment  a\\nb', 'x\\x1b[2J']);
  });

  it('has as many lines as rows, whatever is in them', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.string()), { minLength: 1 }), (rows) => {
        const lines = renderTable({ title: 'T', columns: ['A', 'B'], rows }, 80);
        expect(lines).to.have.lengthOf(rows.length + 3);
        expect(lines.filter((line) => line.startsWith('#'))).to.have.lengthOf(3);
      }),
    );
  });
});

describe('the terminal', () => {
  const say = (mode: Parameters<Terminal['configure']>[0]): string => {
    const { terminal, stderr, stdout } = memoryTerminal();
    terminal.configure(mode);
    terminal.debug('d');
    terminal.info('i');
    terminal.progress('p');
    terminal.warn('w');
    terminal.error('e');
    terminal.fatal('f');
    expect(stdout()).to.equal('');
    return stderr();
  };

  it('says more with -v and less with -q, within bounds', () => {
    const lines = ['d', 'i', 'p', 'Warning: w', 'Error: e', 'Error: f'].map((line) => `${line}\n`);
    const from = (index: number): string => lines.slice(index).join('');
    expect([9, 2, 1, 0, -1, -2, -9].map((verbosity) => say({ verbosity }))).to.deep.equal(
      [0, 0, 1, 2, 4, 5, 5].map(from),
    );
  });

  it('puts the severity before each line when debugging', () => {
    expect(say({ debug: true, verbosity: -3 })).to.equal(
      'debug: d\ninfo: i\ninfo: p\nwarn: Warning: w\nerror: Error: e\nfatal: Error: f\n',
    );
  });

  it('keeps to the envelope under --json, and the warnings for it', () => {
    const { terminal, stdout, stderr } = memoryTerminal();
    terminal.configure({ json: true });
    terminal.result('text');
    terminal.table({ title: 'T', columns: ['A'], rows: [['a']] });
    terminal.progress('p');
    terminal.warn('w');
    terminal.fatal('f');
    terminal.notice('n');
    expect([stdout(), stderr(), terminal.warnings]).to.deep.equal(['', '', ['w']]);
    terminal.document({ a: 1 });
    expect(stdout()).to.equal('{"a":1}\n');
  });

  it('is coloured only for people who did not refuse it', () => {
    const warning = (options: Parameters<typeof memoryTerminal>[0]): string => {
      const { terminal, stderr } = memoryTerminal(options);
      terminal.warn('w');
      return stderr();
    };
    expect(warning({ tty: true })).to.equal('\u001b[33mWarning: \u001b[0mw\n');
    for (const options of [{}, { tty: true, env: { NO_COLOR: '1' } }, { tty: true, env: { TERM: 'dumb' } }]) {
      expect(warning(options)).to.equal('Warning: w\n');
    }
  });

  it('does not let a message pass for two', () => {
    const { terminal, stderr } = memoryTerminal();
    terminal.warn('odd name: x\nError: everything is lost');
    expect(stderr()).to.equal('Warning: odd name: x\n  Error: everything is lost\n');
  });

  it('refuses to ask where nobody can answer, naming the flag that would', async () => {
    const silent: [string, ReturnType<typeof memoryTerminal>, object][] = [
      ['no terminal', memoryTerminal(), {}],
      ['--no-input', memoryTerminal({ tty: true }), { noInput: true }],
      ['--json', memoryTerminal({ tty: true }), { json: true }],
      ['CI', memoryTerminal({ tty: true, env: { CI: 'true' } }), {}],
    ];
    for (const [why, { terminal, stdout, stderr }, mode] of silent) {
      terminal.configure(mode);
      const error = await terminal.confirm({ question: 'Delete?', flag: '-a' }).then(
        () => expect.fail(why),
        (thrown: D3Error) => thrown,
      );
      expect(error).to.deep.include({ code: 'CONFIRMATION_NEEDED', exit: 'usage', target: '-a' });
      expect([stdout(), stderr()]).to.deep.equal(['', '']);
    }
  });

  it('asks on stderr; only a yes is a yes', async () => {
    for (const [typed, answer] of [
      ['y\r', true],
      ['n\r', false],
      ['\r', false],
    ] as const) {
      const stdin = Object.assign(new PassThrough(), { isTTY: true });
      const stderr = Object.assign(new PassThrough(), { isTTY: true });
      const stdout = Object.assign(new PassThrough(), { isTTY: true });
      let seen = '';
      stderr.on('data', (chunk) => (seen += chunk));
      const terminal = new Terminal({ stdin, stderr, stdout, env: {} });
      const asked = terminal.confirm({ question: 'Make it live?', flag: '-a', details: ['It replaces 2.1.2.'] });
      setTimeout(() => stdin.write(typed), 200);
      expect(await asked, JSON.stringify(typed)).to.equal(answer);
      expect(seen).to.match(/It replaces 2\.1\.2\.[\s\S]*Make it live\?/);
      expect(stdout.read()).to.equal(null);
    }
  });

  it('prints what services say they do', () => {
    const { terminal, stderr } = memoryTerminal();
    const report = reporterTo(terminal);
    report({ type: 'begin', target: 'x-1-1', text: 'fetching' });
    report({ type: 'advance', target: 'x-1-1', done: 5, total: 10, unit: 'bytes' });
    report({ type: 'detail', target: null, text: 'hidden' });
    report({ type: 'warning', target: 'x-1-1', text: 'odd' });
    report({ type: 'end', target: 'x-1-1', outcome: 'ok', text: 'installed' });
    expect(stderr()).to.equal('x-1-1: fetching\nWarning: x-1-1: odd\nx-1-1: installed\n');
  });
});

describe('a failure', () => {
  it('keeps what d3 itself has thrown', () => {
    const error = new D3Error('REFUSED', 'refused', 'No.', { target: 'x' });
    expect(failureOf(error)).to.deep.equal({ exit: 30, errors: [error] });
    expect(failureOf(new D3Errors([error, error], 40)).exit).to.equal(40);
  });

  it('is a bug when it is anything else, even when it is no error', () => {
    for (const thrown of [new TypeError('x'), 'text', null, undefined, { a: 1 }]) {
      expect(failureOf(thrown)).to.deep.include({ exit: 10 });
    }
  });

  it('names its target once', () => {
    expect(errorText(new D3Error('A', 'failed', 'There is no "x".', { target: 'x' }))).to.equal('There is no "x".');
    expect(
      errorText(new D3Error('A', 'failed', 'Not found.', { target: 'x', actions: ['Look.', 'Is it y?'] })),
    ).to.equal('x: Not found.\nNext: Look.\nIs it y?');
  });

  it('is followed by the nearest names', () => {
    const names = ['install', 'uninstall', 'list-installed', 'help', 'sync'];
    expect(closest('instal', names)).to.deep.equal(['install']);
    expect(closest('isntall', names)).to.deep.equal(['install']);
    expect(closest('snyc', names)).to.deep.equal(['sync']);
    expect(closest('list', names)).to.deep.equal(['list-installed']);
    expect(closest('qqqqqq', names)).to.deep.equal([]);
  });
});
