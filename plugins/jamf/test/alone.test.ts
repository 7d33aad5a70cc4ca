import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { D3Error } from '@d3/sdk';
import { expect } from 'chai';
import { alone, MARK } from '../src/alone.ts';

const HOLDS = `import { alone } from ${JSON.stringify(path.join(import.meta.dirname, '../src/alone.ts'))};
await alone(process.argv[1], () => new Promise((resolve) => {
  process.stdout.write('at work');
  setTimeout(resolve, 600_000);
}));`;

describe('Working alone in a folder', () => {
  let room: string;
  beforeEach(async () => {
    room = await mkdtemp(path.join(tmpdir(), 'd3-alone-'));
  });
  afterEach(async () => rm(room, { recursive: true, force: true }));

  const outcome = async (work: Promise<unknown>) =>
    work.then(
      () => 'done',
      (error: unknown) => (error instanceof D3Error ? `${error.code} ${error.message}` : error),
    );

  it('is refused while another process does, which is named; not when that was killed', async () => {
    const flags = ['--conditions=d3-source', '--disable-warning=ExperimentalWarning', '--input-type=module'];
    const other = spawn(process.execPath, [...flags, '-e', HOLDS, room], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await once(other.stdout, 'data');
      expect(await outcome(alone(room, async () => 1, 'pull'))).to.equal(
        `PULL_BUSY Another pull is under way here (process ${other.pid})`,
      );
    } finally {
      other.kill('SIGKILL');
    }
    await once(other, 'exit');
    expect(await outcome(alone(room, async () => 1))).to.equal('done');
  });

  it('is one at a time within a process, too, and over when the work fails', async () => {
    let end: (value?: unknown) => void = () => undefined;
    const first = outcome(alone(room, () => new Promise((resolve) => (end = resolve))));
    expect(await outcome(alone(room, async () => 1))).to.equal(
      `IMPORT_BUSY Another import is under way here (process ${process.pid})`,
    );
    end();
    expect(await first).to.equal('done');
    const wrong = new Error('wrong');
    expect(await outcome(alone(room, () => Promise.reject(wrong)))).to.equal(wrong);
    expect(await outcome(alone(room, async () => 1))).to.equal('done');
  });

  it('what an unreadable owner says is not repeated', async () => {
    await alone(room, async () => {
      await writeFile(path.join(room, `${MARK}-owner`), 'x\u001b[2J');
      expect(await outcome(alone(room, async () => 1))).to.equal('IMPORT_BUSY Another import is under way here');
    });
  });
});
