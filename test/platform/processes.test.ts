import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import {
  askToQuit,
  listProcesses,
  namesOf,
  parsePs,
  parsePsWithParents,
  processesIn,
  startedBy,
} from '../../src/platform/processes.ts';

describe('what runs', () => {
  let dir: string;
  const children: ChildProcess[] = [];
  beforeEach(() => {
    dir = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'd3-processes-')));
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  });

  it('knows what it was started by, the nearest first', async () => {
    const found = await startedBy();
    expect(found[0]?.pid).to.equal(process.ppid);
    expect(new Set(found.map(({ pid }) => pid)).size).to.equal(found.length);
    const rows = parsePsWithParents(
      '    1     0 /sbin/launchd\n  310     1 /usr/local/jamf/bin/jamf\n  311   310 /bin/my sh\nnonsense\n',
    );
    expect(
      [...rows].map(
        ([
          pid,
          {
            parent,
            process: { executable },
          },
        ]) => [pid, parent, executable],
      ),
    ).to.deep.equal([
      [1, 0, '/sbin/launchd'],
      [310, 1, '/usr/local/jamf/bin/jamf'],
      [311, 310, '/bin/my sh'],
    ]);
  });

  /** A process as Linux shows it. */
  function show(pid: number, parts: { exe?: string; cmdline?: string; comm?: string; stat?: string }): void {
    const folder = path.join(dir, String(pid));
    mkdirSync(folder);
    if (parts.exe !== undefined) symlinkSync(parts.exe, path.join(folder, 'exe'));
    for (const name of ['cmdline', 'comm', 'stat'] as const)
      if (parts[name] !== undefined) writeFileSync(path.join(folder, name), parts[name]);
  }

  it('depot3:B16 goes by the full name of its executable on Linux, and by the first 15 bytes only where there is no other', () => {
    show(1, { exe: '/usr/lib/a program of a long name', cmdline: 'shown as\0-x\0', comm: 'a program of a \n' });
    show(2, { exe: '/opt/replaced (deleted)', cmdline: '', comm: 'replaced\n' });
    show(3, { cmdline: '/usr/bin/of-another-user\0--flag\0', comm: 'of-another-user\n' });
    show(4, { comm: 'averyveryverylo\n', stat: '4 (averyveryverylo) S 1 4 4 0 -1 4194560 1' });
    show(5, { comm: 'short\n', stat: '5 (short) S 1 5 5 0 -1 4194560 1' });
    show(6, { comm: 'has-ended\n', stat: '6 (has-ended) Z 1 6 6 0 -1 4228108 1' });
    show(7, { comm: 'kworker/0:1\n', stat: '7 (kworker/0:1) I 2 0 0 0 -1 69238880 0' });
    show(8, { comm: ') Z 1 (\n', stat: '8 () Z 1 () S 1 8 8 0 -1 4194560 1' });
    mkdirSync(path.join(dir, '9'));
    mkdirSync(path.join(dir, 'self'));
    const found = processesIn(dir).toSorted((a, b) => a.pid - b.pid);
    expect(found.map(({ pid }) => pid)).to.deep.equal([1, 2, 3, 4, 5, 8]);
    expect(found.map(({ program }) => program)).to.deep.equal([
      'a program of a long name',
      'replaced',
      null,
      null,
      null,
      null,
    ]);
    expect(namesOf(found)).to.deep.equal({
      processes: [') Z 1 (', 'a program of a long name', 'of-another-user', 'replaced', 'short', 'shown as'],
      cutProcesses: ['averyveryverylo'],
    });
  });

  it('depot3:B16 is the last part of each whole line of ps on a Mac', () => {
    const output =
      '    1 /sbin/launchd\n  412 /Applications/Keynote.app/Contents/MacOS/Keynote\n' +
      '  413 /Applications/Two Words.app/Contents/MacOS/Two Words\n99999 -zsh\n\nPID COMM\n 7 \n 8 /\n';
    expect(parsePs(output)).to.deep.equal([
      { pid: 1, executable: '/sbin/launchd', program: 'launchd', names: ['launchd'], cut: null },
      {
        pid: 412,
        executable: '/Applications/Keynote.app/Contents/MacOS/Keynote',
        program: 'Keynote',
        names: ['Keynote'],
        cut: null,
      },
      {
        pid: 413,
        executable: '/Applications/Two Words.app/Contents/MacOS/Two Words',
        program: 'Two Words',
        names: ['Two Words'],
        cut: null,
      },
      { pid: 99999, executable: null, program: '-zsh', names: ['-zsh'], cut: null },
    ]);
  });

  /** Starts a program under a name of its own; it says when it is ready. */
  async function start(name: string, script: string): Promise<ChildProcess> {
    const program = path.join(dir, name);
    copyFileSync(realpathSync('/bin/sh'), program);
    const child = spawn(program, ['-c', `${script}; echo ready; while read line; do :; done`]);
    children.push(child);
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    return child;
  }
  const signal = new AbortController().signal;

  it('depot3:B16 is asked to quit by exactly its name, and waited for', async function () {
    if (process.platform !== 'linux') this.skip();
    const asked = await start('d3-test-asked', ':');
    const other = await start('d3-test-asked-not', ':');
    await askToQuit(['d3-test-asked'], signal);
    expect(asked.signalCode ?? (await once(asked, 'exit'))[1]).to.equal('SIGTERM');
    expect([other.exitCode, other.signalCode]).to.deep.equal([null, null]);
  });

  it('is never made to: what does not listen still runs when the time is over', async function () {
    if (process.platform !== 'linux') this.skip();
    const deaf = await start('d3-test-deaf', "trap '' TERM");
    await askToQuit(['d3-test-deaf'], signal, 200);
    expect([deaf.exitCode, deaf.signalCode]).to.deep.equal([null, null]);
  });

  it('is not d3 itself', async () => {
    const pids = (await listProcesses()).map(({ pid }) => pid);
    expect(pids).to.include(process.ppid).and.not.include(process.pid);
  });

  it('is not asked when it is d3 itself, or what d3 was started from', async function () {
    if (process.platform !== 'linux') this.skip();
    // Under a name nobody else has: whatever has the name is asked, and this machine is somebody's.
    const own = path.join(dir, 'd3-test-itself');
    copyFileSync(process.execPath, own);
    const asks = `
      import { spawnSync } from 'node:child_process';
      import { askToQuit } from ${JSON.stringify(path.join(import.meta.dirname, '../../src/platform/processes.ts'))};
      process.on('SIGTERM', () => process.stdout.write('asked '));
      if (process.argv[1] === 'outer') {
        const args = ['--conditions=d3-source', '--input-type=module-typescript', '--eval', process.argv[2], 'inner'];
        process.stdout.write(spawnSync(process.execPath, args, { encoding: 'utf8' }).stdout);
      } else await askToQuit(['d3-test-itself'], AbortSignal.abort(), 0);
      await new Promise((resolve) => setTimeout(resolve, 50));
      process.stdout.write('done ');`;
    const args = ['--conditions=d3-source', '--input-type=module-typescript', '--eval', asks, 'outer', asks];
    const { stdout, stderr } = await promisify(execFile)(own, args);
    expect(stdout, stderr).to.equal('done done ');
  });
});
