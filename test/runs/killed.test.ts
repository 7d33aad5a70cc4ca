import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { initDepot } from '../../src/depot/index.ts';
import { systemClock } from '../../src/platform/clock.ts';
import type { Run } from '../../src/runs/types.ts';
import { type Ended, NODE, run } from '../cli/spawn.ts';

const CHILD = path.join(import.meta.dirname, 'kill-child.ts');
const ABREAST = 4;

describe('a process that advances a run and is killed with kill -9', function () {
  this.timeout(240_000);
  let dir: string;
  before(async () => {
    dir = mkdtempSync(path.join(os.tmpdir(), 'd3-killed-'));
    await initDepot(path.join(dir, 'depot'), { clock: systemClock });
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  const advance = (root: string, point: number, steps: string): Promise<Ended> =>
    run(process.execPath, [...NODE, CHILD, root, path.join(dir, 'depot'), `${point}`, steps]);

  async function machine(name: string): Promise<string> {
    const root = path.join(dir, name);
    mkdirSync(root);
    return root;
  }

  /** A lock that a killed process left is swept when it is old enough not to be somebody's who is just coming. */
  function leftBehind(root: string): void {
    const owners = path.join(root, 'var/lib/d3/owners');
    const old = new Date(Date.now() - 3_600_000);
    for (const file of readdirSync(owners)) utimesSync(path.join(owners, file), old, old);
  }

  const numbers = (root: string, file: string) => readFileSync(path.join(root, file), 'utf8').trim().split(' ');

  it('at any point of it: another process takes it up at once, and every step is done exactly once', async () => {
    let points = 0;
    let whole = false;
    const cutAt = async (point: number) => {
      const root = await machine(`point-${point}`);
      const first = await advance(root, point, 'write,write,write');
      if (first.signal === null) {
        expect(first.code, first.stderr).to.equal(0);
        whole = true;
        return;
      }
      points += 1;
      expect(first.signal).to.equal('SIGKILL');
      const second = await advance(root, 0, 'write,write,write');
      expect(second.code, `${point}: ${second.stderr}`).to.equal(0);
      const ended = JSON.parse(second.stdout) as Run;
      expect(ended.state, `${point}`).to.equal('done');
      expect(numbers(root, 'written'), `cut at ${point}`).to.deep.equal(['0', '1', '2']);
      const began = numbers(root, 'began');
      expect(began, `cut at ${point}`).to.deep.equal(began.toSorted());
      expect(began.length, `cut at ${point}`).to.be.within(3, 4);
      rmSync(root, { recursive: true });
    };
    for (let point = 1; point < 200; point += ABREAST) {
      await Promise.all(Array.from({ length: ABREAST }, (_, index) => cutAt(point + index)));
      if (whole) break;
    }
    expect(whole).to.equal(true);
    expect(points).to.be.greaterThan(30);
  });

  it('again and again, by the point it has come to: it comes to its end all the same', async () => {
    const root = await machine('again');
    let lives = 0;
    let ended: Ended;
    do {
      ended = await advance(root, 14 + (lives % 5), 'write,write,write,write');
      lives += 1;
    } while (ended.signal === 'SIGKILL' && lives < 60);
    expect(ended.code, ended.stderr).to.equal(0);
    expect(lives).to.be.greaterThan(3);
    expect(numbers(root, 'written')).to.deep.equal(['0', '1', '2', '3']);
  });

  it('by a restart that is a step of it: the cursor is kept, and it goes on after the start', async () => {
    const root = await machine('restart');
    const owners = path.join(root, 'var/lib/d3/owners');
    const first = await advance(root, 0, 'write,reboot,write,reboot,write');
    expect(first.signal).to.equal('SIGKILL');
    expect(numbers(root, 'written')).to.deep.equal(['0']);
    const second = await advance(root, 0, '');
    expect(second.signal).to.equal('SIGKILL');
    expect(numbers(root, 'written')).to.deep.equal(['0', '2']);
    leftBehind(root);
    const third = await advance(root, 0, '');
    expect(readdirSync(owners), 'locks of killed processes are swept').to.deep.equal([]);
    const ended = JSON.parse(third.stdout) as Run;
    expect([ended.state, ended.leases]).to.deep.equal(['done', 3]);
    expect(numbers(root, 'written')).to.deep.equal(['0', '2', '4']);
    expect(readFileSync(path.join(root, 'boot'), 'utf8'), 'restarted once for each').to.equal('2');
    expect(ended.steps[1]).to.deep.include({ state: 'done', text: 'the machine was restarted', attempts: 1 });
  });
});
