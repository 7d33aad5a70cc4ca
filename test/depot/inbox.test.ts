import { execFileSync } from 'node:child_process';
import {
  chmod,
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { takeInbox } from '../../src/depot/inbox.ts';
import {
  createDepotClient,
  type LocalDepot as Depot,
  FolderTransport,
  initDepot,
  openDepot,
} from '../../src/depot/index.ts';
import { expectFailure, inFolder, newReport, TestClock } from './helpers.ts';

const ID = newReport().computer.id;
const OTHER = '1b9f2c9e-1111-4222-8333-444455556666';
const TIME = '20300101T000000000Z';

async function inDepot(test: (depot: Depot, clock: TestClock) => Promise<void>): Promise<void> {
  await inFolder(async (dir) => {
    const clock = new TestClock();
    await initDepot(join(dir, 'depot'), { clock });
    const depot = await openDepot(join(dir, 'depot'), { clock });
    try {
      await test(depot, clock);
    } finally {
      await depot.close();
    }
  });
}

const clientOf = (depot: Depot, clock: TestClock) =>
  createDepotClient({ transport: new FolderTransport(depot.dir), trustDir: join(depot.dir, '..', 'trust'), clock });

const report = (changes: object) => JSON.stringify({ ...newReport(), ...changes });

describe('the inbox', () => {
  it('takes reports in the order of their time', () =>
    inDepot(async (depot, clock) => {
      const client = clientOf(depot, clock);
      await client.report(newReport({ run: 'later', at: '2030-01-01T00:00:02.000Z' }));
      await client.report(newReport({ run: 'early', at: '2030-01-01T00:00:01.000Z' }));
      await client.report(newReport({ run: 'other' }, { id: OTHER, name: 'B' }));
      const file = join(depot.dir, 'inbox', ID, '20300101T000002000Z-later.json');
      expect((await stat(file)).mode & 0o777).to.equal(0o600);
      expect(await depot.takeInbox()).to.deep.equal({ taken: 3, rejected: [] });
      expect((await depot.store.computers.find(ID))?.lastRun).to.equal('later');
      expect(await readdir(join(depot.dir, 'inbox'))).to.deep.equal([]);
      await client.report(newReport({ run: 'later', at: '2030-01-01T00:00:02.000Z' }));
      expect(await depot.takeInbox()).to.deep.equal({ taken: 0, rejected: [] });
    }));

  it('moves nothing out of a folder that somebody puts a link to in the place of their own meanwhile', () =>
    inDepot(async (depot, clock) => {
      const inbox = join(depot.dir, 'drop');
      const victim = join(depot.dir, 'victim');
      for (const folder of [join(inbox, ID), join(inbox, OTHER), victim]) await mkdir(folder, { recursive: true });
      await writeFile(join(victim, 'passwd'), 'x');
      for (const id of [ID, OTHER])
        await writeFile(join(inbox, id, `${TIME}-r.json`), JSON.stringify(newReport({ run: 'r' }, { id })));
      let swapped = 0;
      // While the first folder is looked through, the other one's owner makes a link of it.
      const computers = {
        takeOverAhead: async () => false,
        async takeReport() {
          for (const id of [ID, OTHER]) {
            const isGone = await rename(join(inbox, id), join(depot.dir, `${id}-gone`)).catch(() => 'gone');
            if (isGone === 'gone') continue;
            swapped += 1;
            await symlink(victim, join(inbox, id));
          }
          return true;
        },
      };
      for (let turn = 0; turn < 2; turn += 1) await takeInbox(inbox, computers as never, clock, { isOwn: turn === 0 });
      expect(swapped).to.equal(1);
      expect(await readdir(victim)).to.deep.equal(['passwd']);
    }));

  it('takes what a killed run had in hand, and gives back what it leaves', () =>
    inDepot(async (depot) => {
      const inbox = join(depot.dir, 'inbox');
      const inHand = join(inbox, '.taking-0123456789abcdef', `${ID}.0123456789ab`);
      await mkdir(inHand, { recursive: true });
      await writeFile(join(inHand, `${TIME}-cut.json`), JSON.stringify(newReport({ run: 'cut' })));
      await writeFile(join(inHand, `${TIME}-newer.json`), report({ run: 'newer', schema: 'd3/report@2' }));
      expect((await depot.takeInbox()).taken).to.equal(1);
      expect((await depot.store.computers.find(ID))?.lastRun).to.equal('cut');
      expect(await readdir(inbox)).to.deep.equal([ID]);
      expect(await readdir(join(inbox, ID))).to.deep.equal([`${TIME}-newer.json`]);
    }));

  it('puts aside what is no report, with its reason, and takes the others', () =>
    inDepot(async (depot, clock) => {
      const inbox = join(depot.dir, 'inbox');
      const folder = join(inbox, ID);
      await clientOf(depot, clock).report(newReport({ run: 'good' }));
      const put = (run: string, text: string) => writeFile(join(folder, `${TIME}-${run}.json`), text);
      await put('garbage', 'not { json');
      await put('deep', '['.repeat(1_000_000));
      await put('newer', report({ run: 'newer', schema: 'd3/report@2' }));
      await put('shape', report({ run: 'shape', exit: 'zero' }));
      await put('foreign', JSON.stringify(newReport({ run: 'foreign' }, { id: OTHER })));
      await put('renamed', report({ run: 'another' }));
      await put('escape', JSON.stringify(newReport({ run: 'escape' }, { name: 'a\u001b[31m' })));
      await put('big', '');
      await truncate(join(folder, `${TIME}-big.json`), 5 * 1024 * 1024);
      await writeFile(join(folder, 'name.json'), report({ run: 'name' }));
      await symlink('/etc/hostname', join(folder, `${TIME}-link.json`));
      await writeFile(join(depot.dir, 'secret'), report({ run: 'hard' }));
      await link(join(depot.dir, 'secret'), join(folder, `${TIME}-hard.json`));
      await mkdir(join(folder, `${TIME}-folder.json`));
      execFileSync('mkfifo', [join(folder, `${TIME}-pipe.json`)]);
      await mkdir(join(inbox, 'not-an-id'));
      await symlink(join(depot.dir, 'keys'), join(inbox, OTHER));
      await writeFile(join(inbox, 'file'), '');
      const { taken, rejected } = await depot.takeInbox();
      expect(taken).to.equal(1);
      expect(
        Object.fromEntries(rejected.map(({ file, why }) => [file.replace(`${ID}/${TIME}-`, ''), why])),
      ).to.deep.equal({
        'garbage.json': 'it is not JSON',
        'deep.json': 'it is not JSON',
        'newer.json': 'it has schema d3/report@2, which this d3 does not know: update d3 here; it was left as it is',
        'shape.json': 'it is no report: /exit must be integer',
        'foreign.json': 'it speaks for another computer',
        'renamed.json': 'it speaks of another run than its name',
        'escape.json': 'it is no report: /computer/name must match pattern "^[^\\u0000-\\u001f\\u007f]*$"',
        'big.json': 'it is not a plain file of at most 4194304 bytes',
        [`${ID}/name.json`]: 'its name is not TIME-RUN.json',
        'link.json': 'it is not a regular file',
        'hard.json': 'it is not a plain file of at most 4194304 bytes',
        'folder.json': 'it is not a regular file',
        'pipe.json': 'it is not a regular file',
        'not-an-id': "it is not a computer's folder",
        [OTHER]: "it is not a computer's folder",
        file: "it is not a computer's folder",
      });
      expect((await readdir(inbox)).toSorted()).to.deep.equal(['.rejected', ID]);
      expect(await readdir(folder)).to.deep.equal([`${TIME}-newer.json`]);
      expect((await readdir(join(inbox, '.rejected'))).length).to.equal(30);
      expect((await readdir(join(depot.dir, 'keys'))).filter((name) => name.endsWith('.pem'))).to.have.lengthOf(4);
      expect((await depot.takeInbox()).rejected.map(({ file }) => file)).to.deep.equal([`${ID}/${TIME}-newer.json`]);
    }));

  it('puts aside a report with a number that no database gives back: what others reported can still be asked', () =>
    inDepot(async (depot, clock) => {
      const client = clientOf(depot, clock);
      await client.report(newReport());
      const [receipt] = newReport().receipts;
      for (const id of [9e18, 1e25])
        await client.report(newReport({ receipts: [{ ...receipt, id } as typeof receipt & object] }, { id: OTHER }));
      const { taken, rejected } = await depot.takeInbox();
      expect([taken, rejected.length]).to.deep.equal([1, 2]);
      expect((await depot.store.computers.installed({ limit: 10 })).map(({ computer }) => computer.id)).to.deep.equal([
        ID,
      ]);
    }));

  it('is not stopped by a report whose time is none, or that is too deep to be written down again', () =>
    inDepot(async (depot, clock) => {
      const folder = join(depot.dir, 'inbox', ID);
      await clientOf(depot, clock).report(newReport({ run: 'good' }));
      await writeFile(join(folder, `${TIME}-time.json`), report({ run: 'time', at: '2030-13-45T99:00:00Z' }));
      const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
      await writeFile(join(folder, `${TIME}-deep.json`), report({ run: 'deep', more: 'X' }).replace('"X"', deep));
      const { taken, rejected } = await depot.takeInbox();
      expect(taken).to.equal(1);
      expect(rejected.map(({ why }) => why).toSorted()).to.deep.equal([
        'it is nested deeper than 20',
        'its time is none',
      ]);
      expect(await depot.takeInbox()).to.deep.equal({ taken: 0, rejected: [] });
    }));

  it('takes the others when a report is for a newer d3, on its first day too', () =>
    inDepot(async (depot, clock) => {
      await clientOf(depot, clock).report(newReport({ run: 'good' }));
      const newer = report({ run: 'newer', schema: 'd3/report@2' });
      await writeFile(join(depot.dir, 'inbox', ID, `${TIME}-newer.json`), newer);
      const { taken, rejected } = await depot.takeInbox();
      expect([taken, rejected.length]).to.deep.equal([1, 1]);
    }));

  it('puts nothing aside through a link or into what is no folder, and takes the others', () =>
    inDepot(async (depot, clock) => {
      const inbox = join(depot.dir, 'inbox');
      const elsewhere = join(depot.dir, '..', 'elsewhere');
      await mkdir(elsewhere);
      for (const make of [
        () => writeFile(join(inbox, '.rejected'), ''),
        () => symlink(elsewhere, join(inbox, '.rejected')),
        () => symlink('nowhere', join(inbox, '.rejected')),
      ]) {
        await make();
        const good = newReport();
        await clientOf(depot, clock).report(good);
        await writeFile(join(inbox, ID, 'profile.sh'), 'evil');
        const { taken, rejected } = await depot.takeInbox();
        expect(taken).to.equal(1);
        expect(rejected.map(({ file }) => file)).to.deep.equal([`${ID}/profile.sh`]);
        expect(rejected[0]?.why).to.match(/cannot be put aside: \.rejected/);
        expect(await readdir(elsewhere)).to.deep.equal([]);
        await rm(join(inbox, '.rejected'));
      }
      expect((await depot.takeInbox()).rejected[0]?.why).to.equal('its name is not TIME-RUN.json');
      expect(await readdir(join(inbox, '.rejected'))).to.have.lengthOf(2);
    }));

  it('leaves a report alone that is still being written', () =>
    inDepot(async (depot, clock) => {
      const folder = join(depot.dir, 'inbox', ID);
      await mkdir(folder);
      const temp = join(folder, `.tmp-0123456789abcdef-${TIME}-r1.json`);
      await writeFile(temp, JSON.stringify(newReport({ run: 'r1' })));
      clock.moveDays(-9_000);
      expect(await depot.takeInbox()).to.deep.equal({ taken: 0, rejected: [] });
      await rename(temp, join(folder, `${TIME}-r1.json`));
      expect((await depot.takeInbox()).taken).to.equal(1);
    }));

  it('gets no report with a malformed id, and none through a link', () =>
    inDepot(async (depot, clock) => {
      const client = clientOf(depot, clock);
      await expectFailure(client.report(newReport({}, { id: '../../etc' })), 'REPORT_INVALID', 'bug');
      await expectFailure(client.report(newReport({ run: '../x' })), 'REPORT_INVALID', 'bug');
      const elsewhere = join(depot.dir, '..', 'elsewhere');
      await mkdir(elsewhere);
      await symlink(elsewhere, join(depot.dir, 'inbox', ID));
      await expectFailure(client.report(newReport()), 'DEPOT_UNREACHABLE', 'depotUnreachable');
      expect(await readdir(elsewhere)).to.deep.equal([]);
      expect(await readFile(join(depot.dir, 'keys/root.pem'), 'utf8')).to.include('PRIVATE KEY');
    }));

  it('is led nowhere by a folder that becomes a link while it is read', () =>
    inDepot(async (depot, clock) => {
      for (const isOwn of [true, false]) {
        const inbox = join(depot.dir, '..', `drop-${isOwn}`);
        const victim = join(depot.dir, '..', `victim-${isOwn}`);
        await mkdir(join(inbox, ID), { recursive: true });
        await mkdir(join(inbox, OTHER));
        await writeFile(join(inbox, ID, `${TIME}-r1.json`), report({ run: 'r1' }));
        await writeFile(join(inbox, OTHER, `${TIME}-r1.json`), JSON.stringify(newReport({ run: 'r1' }, { id: OTHER })));
        await mkdir(victim);
        await writeFile(join(victim, 'passwd'), 'secret');
        await writeFile(join(victim, '.tmp-old'), 'kept');
        await utimes(join(victim, '.tmp-old'), 1, 1);
        let first: string | null = null;
        const computers = {
          takeOverAhead: async () => false,
          takeReport: async ({ computer: { id } }: { computer: { id: string } }) => {
            first ??= id;
            if (id !== first) throw new Error(`${id} is a link by now`);
            // Everything is listed by now; one folder is being read.
            for (const swapped of [ID, OTHER]) {
              await rename(join(inbox, swapped), join(inbox, `gone-${swapped}`)).catch(() => undefined);
              await symlink(victim, join(inbox, swapped));
            }
            return true;
          },
        };
        const outcome = await takeInbox(inbox, computers as never, clock, { isOwn });
        expect(outcome.taken).to.equal(1);
        expect((await readdir(victim)).toSorted()).to.deep.equal(['.tmp-old', 'passwd']);
        const second = first === ID ? OTHER : ID;
        expect(outcome.rejected).to.deep.include({ file: second, why: "it is not a computer's folder" });
        const names = await readdir(inbox);
        expect(names.filter((name) => name.startsWith('.taking-'))).to.deep.equal([]);
        // The next one puts the other link aside as well.
        await takeInbox(inbox, depot.store.computers, clock, { isOwn });
        expect((await readdir(victim)).toSorted()).to.deep.equal(['.tmp-old', 'passwd']);
        expect(await lstat(join(inbox, ID)).catch(() => null)).to.equal(null);
      }
    }));

  it('takes in first what one that was cut had moved aside, and nothing that only looks like it', () =>
    inDepot(async (depot, clock) => {
      const inbox = join(depot.dir, 'inbox');
      const left = join(inbox, '.taking-0123456789abcdef');
      const victim = join(depot.dir, '..', 'victim');
      await mkdir(join(left, `${ID}.0123456789ab`), { recursive: true });
      await writeFile(join(left, `${ID}.0123456789ab`, `${TIME}-left.json`), report({ run: 'left' }));
      await writeFile(join(left, `${ID}.0123456789ab`, '.tmp-half'), '');
      await clientOf(depot, clock).report(newReport({ run: 'new', at: '2030-01-01T00:00:01.000Z' }));
      await mkdir(join(victim, ID), { recursive: true });
      await writeFile(join(victim, ID, 'passwd'), 'secret');
      await symlink(victim, join(inbox, '.taking-aaaaaaaaaaaaaaaa'));
      clock.moveDays(-9_000);
      const { taken, rejected } = await depot.takeInbox();
      expect(taken).to.equal(2);
      expect((await depot.store.computers.find(ID))?.lastRun).to.equal('new');
      expect(rejected.map(({ file }) => file)).to.deep.equal(['.taking-aaaaaaaaaaaaaaaa']);
      expect(await readdir(join(victim, ID))).to.deep.equal(['passwd']);
      // What is still being written comes back to where its machine looks for it, once there is room.
      await depot.takeInbox();
      expect((await readdir(inbox)).toSorted()).to.deep.equal(['.rejected', ID]);
      expect(await readdir(join(inbox, ID))).to.deep.equal(['.tmp-half']);
    }));

  it('lets no junk keep computers waiting', () =>
    inDepot(async (depot, clock) => {
      const inbox = join(depot.dir, '..', 'drop');
      await mkdir(inbox);
      for (let n = 0; n < 100; n += 1) await writeFile(join(inbox, `junk-${n}`), '');
      for (let n = 0; n < 5; n += 1) {
        const id = `${n}b9f2c9e-1111-4222-8333-444455556666`;
        await mkdir(join(inbox, id));
        const text = JSON.stringify(
          newReport({ run: `r${n}` }, { id, claims: { serial: id, hardwareUuid: null, macs: [] } }),
        );
        await writeFile(join(inbox, id, `${TIME}-r${n}.json`), text);
      }
      const pass = async () => (await takeInbox(inbox, depot.store.computers, clock, { isOwn: false, most: 3 })).taken;
      expect([await pass(), await pass(), await pass()]).to.deep.equal([3, 2, 0]);
      expect(await readdir(inbox)).to.have.length(100);
    }));

  it('removes old rejected folders with all that is in them, and nothing that they lead to', () =>
    inDepot(async (depot) => {
      const inbox = join(depot.dir, 'inbox');
      const victim = join(depot.dir, '..', 'victim');
      await mkdir(join(victim, 'deep'), { recursive: true });
      await writeFile(join(victim, 'deep', 'passwd'), 'secret');
      await mkdir(join(inbox, 'junk', 'a', 'b'), { recursive: true });
      await symlink(victim, join(inbox, 'junk', 'a', 'link'));
      await writeFile(join(inbox, 'junk', 'a', 'b', 'file'), '');
      await depot.takeInbox();
      const aside = join(inbox, '.rejected');
      const reason = (await readdir(aside)).find((name) => name.endsWith('.why.txt'));
      await utimes(join(aside, reason as string), 1, 1);
      for (let n = 0; n < 1_000; n += 1) await writeFile(join(aside, `${n}.why.txt`), '');
      await mkdir(join(aside, '.going-0123456789abcdef', 'half'), { recursive: true });
      await writeFile(join(inbox, 'one-more'), '');
      await depot.takeInbox();
      const names = await readdir(aside);
      expect(names.filter((name) => name.includes('junk') || name.startsWith('.going-'))).to.deep.equal([]);
      expect(await readdir(join(victim, 'deep'))).to.deep.equal(['passwd']);
    }));

  it('is not taken in by root where others could move what lies in it', function () {
    if (process.getuid?.() !== 0) this.skip();
    return inDepot(async (depot, clock) => {
      await clientOf(depot, clock).report(newReport());
      await chmod(join(depot.dir, 'inbox'), 0o777);
      const { taken, rejected } = await depot.takeInbox();
      expect([taken, rejected[0]?.why]).to.deep.equal([
        0,
        `others can move what lies in it: chmod +t ${join(depot.dir, 'inbox')}, or take it in as another user than root`,
      ]);
      await chmod(join(depot.dir, 'inbox'), 0o1777);
      expect((await depot.takeInbox()).taken).to.equal(1);
    });
  });
});
