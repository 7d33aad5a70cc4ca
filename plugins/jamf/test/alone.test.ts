import { readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { D3Error } from '@d3/sdk';
import { expect } from 'chai';
import { alone, MARK } from '../src/alone.ts';

describe('Working alone in a folder', () => {
  let room: string;
  let mark: string;
  beforeEach(async () => {
    room = await mkdtemp(path.join(tmpdir(), 'd3-alone-'));
    mark = path.join(room, MARK);
  });
  afterEach(async () => rm(room, { recursive: true, force: true }));

  const code = async (work: Promise<unknown>) =>
    work.then(
      () => 'done',
      (error: unknown) => (error instanceof D3Error ? error.code : error),
    );

  it('is refused while the process of a mark lives, and leaves nothing behind', async () => {
    writeFileSync(mark, String(process.ppid));
    expect(await code(alone(room, async () => 1, 'pull'))).to.equal('PULL_BUSY');
    expect(readdirSync(room)).to.deep.equal([MARK]);
  });

  it('is not kept by a mark of a process that is gone, that says nothing, or that a restart ended', async () => {
    for (const left of ['999999999', '', 'x']) {
      writeFileSync(mark, left);
      expect(await alone(room, async () => readdirSync(room)), left).to.deep.equal([MARK]);
      expect(readdirSync(room)).to.deep.equal([]);
    }
    // The number lives, but is somebody else's by now: the mark is older than the system's start.
    writeFileSync(mark, String(process.ppid));
    utimesSync(mark, 1, 1);
    expect(await code(alone(room, async () => 1))).to.equal('done');
  });
});
