import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { D3Error } from '@d3/sdk';
import { expect } from 'chai';
import { type ProgramAnswer, type ProgramCall, runProgram } from '../../src/platform/program.ts';
import { LINUX_PROGRAMS, MAC_PROGRAMS } from '../../src/platform/programs.ts';

describe('a program of the system', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'd3-program-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function run(body: string, call: Partial<ProgramCall> = {}): Promise<ProgramAnswer> {
    const program = path.join(folder, 'program');
    writeFileSync(program, `#!/bin/sh\n${body}\n`);
    chmodSync(program, 0o755);
    return runProgram({ program, args: [], timeout: 30_000, ...call });
  }

  it('is known by an absolute path, whatever PATH says', () => {
    for (const place of Object.values({ ...MAC_PROGRAMS, ...LINUX_PROGRAMS })) {
      expect(path.isAbsolute(place), place).to.equal(true);
    }
  });

  it('gets its words as they are, and tells its exit code and both streams', async () => {
    const args = ['a b', '$HOME', "it's", '*', ''];
    const answer = await run('printf "<%s>" "$@"; echo; echo wrong >&2; exit 3', { args });
    expect(answer).to.deep.include({ code: 3, signal: null, timedOut: false, cut: false });
    expect(answer.stdout).to.equal("<a b><$HOME><it's><*><>\n");
    expect(answer.stderr).to.equal('wrong\n');
    expect(answer.lastLines).to.have.members([answer.stdout.trim(), 'wrong']);
  });

  it('has an environment of its own: nothing of the caller but what it is given', async () => {
    process.env['D3_SECRET_OF_CALLER'] = 'x';
    try {
      const { stdout } = await run('/usr/bin/env; pwd; umask', { environment: { COMMAND_LINE_INSTALL: '1' } });
      const names = [...stdout.matchAll(/^(\w+)=/gm)].map(([, name]) => name);
      // What a shell sets by itself is not of interest.
      expect(names.filter((name) => !['PWD', '_', 'SHLVL', 'OLDPWD'].includes(name as string))).to.have.members([
        'COMMAND_LINE_INSTALL',
        'PATH',
        'HOME',
        'USER',
        'LOGNAME',
        'LANG',
        'LC_ALL',
      ]);
      expect(stdout).to.include('LC_ALL=C\n').and.include('\n/\n0022\n');
    } finally {
      delete process.env['D3_SECRET_OF_CALLER'];
    }
  });

  it('is heard to its end by a process that was too busy to listen', async () => {
    const busy = (milliseconds: number) => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
    };
    const other = () => {
      const child = spawn('/bin/sleep', ['1.2'], { stdio: 'ignore' });
      return new Promise<void>((resolve) => {
        child.once('exit', () => {
          busy(700);
          resolve();
        });
      });
    };
    // While it is at what the first one says, the second one speaks and ends, and so do others whose ends keep it busy in their turn.
    const first = run('sleep 0.2; echo first', { onLine: () => busy(2000) });
    const before = other();
    const second = runProgram({ program: '/bin/sh', args: ['-c', 'sleep 1; echo second'], timeout: 30_000 });
    const after = other();
    await new Promise((resolve) => setTimeout(resolve, 100));
    busy(400);
    await Promise.all([before, after]);
    expect((await first).stdout).to.equal('first\n');
    expect((await second).stdout).to.equal('second\n');
  });

  it('is told line by line, halves joined, an unended last one too', async () => {
    const lines: string[] = [];
    await run('printf "ha"; sleep 0.05; printf "lf\\r\\n\\nlast"', { onLine: (line) => lines.push(line) });
    expect(lines).to.deep.equal(['half', '', 'last']);
  });

  it('reads what it is given, or nothing; it need not read it', async () => {
    expect((await run('cat', { input: 'a\0b' })).stdout).to.equal('a\0b');
    expect((await run('cat')).stdout).to.equal('');
    expect((await run('exec 0<&-; exit 0', { input: 'x'.repeat(1_000_000) })).code).to.equal(0);
  });

  it('that says more than is kept is cut, and says so', async () => {
    const answer = await run('head -c 17825792 /dev/zero | tr "\\0" x; echo end >&2');
    expect(answer).to.include({ code: 0, cut: true });
    expect(answer.stdout).to.have.length(16 * 1024 * 1024);
    expect(answer.lastLines.length).to.be.at.most(20);
  });

  it('is ended with all it started when its time is up', async () => {
    const mark = path.join(folder, 'mark');
    const answer = await run(`(sleep 300; touch ${mark}) & sleep 300`, { timeout: 200 });
    expect(answer).to.include({ code: null, timedOut: true });
    expect(existsSync(mark)).to.equal(false);
  });

  it('is ended by a signal, one that came before too', async () => {
    const stopped = AbortSignal.abort();
    expect(await run('sleep 300', { signal: stopped })).to.include({ code: null, timedOut: false });
  });

  it('that cannot be started says which and why', async () => {
    const program = path.join(folder, 'absent');
    const error = await runProgram({ program, args: [], timeout: 1000 }).catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(D3Error);
    expect(error).to.deep.include({ code: 'PROGRAM_ABSENT', exit: 'failed', target: program });
  });
});
