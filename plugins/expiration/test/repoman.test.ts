import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { readPlainPlist } from '@d3/flatpkg';
import { D3Error } from '@d3/sdk';
import { expect } from 'chai';
import { d3 } from '../../../test/cli/spawn.ts';
import { makeUsageFolder, repomanTrigger } from '../src/repoman/agent.ts';
import type { FrontSource } from '../src/repoman/front.ts';
import { onlyOne } from '../src/repoman/one-instance.ts';
import { type Watched, watch } from '../src/repoman/watch.ts';
import { LARGEST_USAGE_FILE, readUsage } from '../src/usage-file.ts';
import { USAGE_FOLDER_MODE, usageFile, usageFolder } from '../src/usage-folder.ts';

const UID = process.getuid?.() ?? 0;

describe('d3 repoman', () => {
  let root: string;
  let folder: string;
  beforeEach(() => {
    root = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'd3-repoman-')));
    folder = usageFolder(root, 'linux');
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  function errorOf(work: () => unknown): D3Error {
    try {
      work();
    } catch (error) {
      if (error instanceof D3Error) return error;
      throw error;
    }
    throw new Error('nothing was thrown');
  }

  describe('what starts it', () => {
    it('depot3:H02 is an agent of launchd on a Mac, and an autostart entry elsewhere', () => {
      const [agent] = repomanTrigger('darwin', '/usr/local/bin/d3').files;
      expect(agent).to.include({ name: 'org.d3.repoman.plist', agent: true });
      expect(readPlainPlist(Buffer.from(agent?.text ?? ''), 'agent')).to.deep.include({
        ProgramArguments: ['/usr/local/bin/d3', 'repoman', '--no-input'],
        LimitLoadToSessionType: 'Aqua',
        RunAtLoad: true,
        KeepAlive: { SuccessfulExit: false },
      });
      const [entry] = repomanTrigger('linux', '/usr/local/bin/d3').files;
      expect(entry?.name).to.equal('org.d3.repoman.desktop');
      expect(entry?.text).to.include('Exec=/usr/local/bin/d3 repoman --no-input\n');
    });

    it('is written so that odd paths stay words of their own', () => {
      const odd = '/opt/my "d3" & co/100%$HOME\\d3';
      const agent = readPlainPlist(Buffer.from(repomanTrigger('darwin', odd).files[0]?.text ?? ''), 'agent');
      expect(agent).to.deep.include({ ProgramArguments: [odd, 'repoman', '--no-input'] });
      const [, exec] = /^Exec=(.*)$/m.exec(repomanTrigger('linux', odd).files[0]?.text ?? '') ?? [];
      expect(exec).to.equal(String.raw`"/opt/my \\"d3\\" & co/100%%\\$HOME\\\\d3" repoman --no-input`);
    });

    it("has a folder users can only add to; the ancestor's is put right, and no link is taken for it", () => {
      makeUsageFolder(folder);
      expect(statSync(folder).mode & 0o7777).to.equal(USAGE_FOLDER_MODE);
      expect(statSync(path.dirname(folder)).mode & 0o7777).to.equal(0o755);
      writeFileSync(path.join(folder, 'sally.plist'), 'kept');
      chmodSync(folder, 0o733);
      makeUsageFolder(folder);
      expect(statSync(folder).mode & 0o7777).to.equal(USAGE_FOLDER_MODE);
      expect(readFileSync(path.join(folder, 'sally.plist'), 'utf8')).to.equal('kept');
      rmSync(folder, { recursive: true });
      mkdirSync(path.join(root, 'elsewhere'), { mode: 0o755 });
      symlinkSync(path.join(root, 'elsewhere'), folder);
      expect(errorOf(() => makeUsageFolder(folder))).to.include({
        code: 'USAGE_FOLDER',
        exit: 'refused',
        target: folder,
      });
      expect(statSync(path.join(root, 'elsewhere')).mode & 0o7777).to.equal(0o755);
    });
  });

  describe('at work', () => {
    const app = '/Applications/Hobbes.app/Contents/MacOS/Hobbes';
    const once: FrontSource = { name: 'test', watch: async (onFront) => onFront([app]) };
    const said: string[] = [];
    const run = (source: FrontSource = once, user = 'calvin'): Promise<Watched> =>
      watch({
        folder,
        user,
        uid: UID,
        source,
        every: 60_000,
        ui: (event) => said.push('text' in event ? event.text : event.type),
        now: () => new Date(),
        signal: new AbortController().signal,
      });
    const failed = async (work: Promise<unknown>): Promise<D3Error> => {
      const error: unknown = await work.then(
        () => null,
        (thrown: unknown) => thrown,
      );
      if (error instanceof D3Error) return error;
      throw new Error(`no error: ${String(error)}`);
    };
    const found = () => readUsage(usageFile(folder, 'calvin'), { now: new Date(), refuse: () => null });

    beforeEach(() => {
      said.length = 0;
    });

    it('needs a folder, and says who makes it', async () => {
      const error = await failed(run());
      expect(error).to.include({ code: 'NO_USAGE_FOLDER', exit: 'notFound', target: folder });
      expect(error.actions.join()).to.include('d3 repoman install');
    });

    it('depot3:H02 writes what it saw when the session ends, and goes on from it in the next', async () => {
      makeUsageFolder(folder);
      expect(await run()).to.include({ source: 'test', switches: 1 });
      const first = found();
      expect(first).to.have.property('lastUsed').that.has.keys(app);
      await run({ name: 'nothing', watch: async () => undefined });
      expect(found()).to.deep.include({
        lastUsed: (first as { lastUsed: unknown }).lastUsed,
        since: (first as { since: unknown }).since,
      });
    });

    it('has written what it saw when what it listens to fails', async () => {
      makeUsageFolder(folder);
      const fails: FrontSource = {
        name: 'fails',
        watch: async (onFront) => {
          onFront([app]);
          throw new D3Error('FRONT_UNKNOWN', 'failed', 'It is not known.');
        },
      };
      expect(await failed(run(fails))).to.include({ code: 'FRONT_UNKNOWN' });
      expect(found()).to.have.property('lastUsed').that.has.keys(app);
    });

    it('keeps aside what it cannot believe, and begins anew', async () => {
      makeUsageFolder(folder);
      const file = usageFile(folder, 'calvin');
      for (const content of ['junk', Buffer.alloc(LARGEST_USAGE_FILE + 1)]) {
        writeFileSync(file, content);
        const before = Date.now();
        await run();
        expect(readFileSync(`${file}.damaged`)).to.have.length(content.length);
        expect((found() as { since: Date }).since.getTime() + 1000).to.be.at.least(before);
      }
      expect(said.join()).to.include('calvin.plist.damaged');
    });

    it('is there once: the lock is held by the process, and never through a link', async () => {
      makeUsageFolder(folder);
      const lock = path.join(folder, '.calvin.lock');
      const release = onlyOne(lock, UID);
      expect(await failed(run())).to.include({ code: 'REPOMAN_RUNS', exit: 'busy' });
      release();
      await run();
      rmSync(lock, { force: true });
      writeFileSync(path.join(root, 'precious'), 'precious');
      symlinkSync(path.join(root, 'precious'), lock);
      expect(await failed(run())).to.include({ code: 'USAGE_FOREIGN', exit: 'refused' });
      expect(readFileSync(path.join(root, 'precious'), 'utf8')).to.equal('precious');
      rmSync(lock);
      writeFileSync(lock, '');
      expect(
        errorOf(() => onlyOne(lock, UID + 1)),
        "somebody else's",
      ).to.include({ code: 'USAGE_FOREIGN' });
    });

    it('records for nobody whose name would lead elsewhere', async () => {
      makeUsageFolder(folder);
      expect(await failed(run(once, '../../etc/x'))).to.include({ code: 'USER_NAME', exit: 'refused' });
    });
  });

  describe('as a command', () => {
    const at = (more: Record<string, string> = {}) => ({ env: { D3_ROOT: root, ...more } });

    it('is refused (30) under Wayland and without a display, in one envelope under --json', async () => {
      for (const [more, refusal] of [
        [{ WAYLAND_DISPLAY: 'wayland-0', DISPLAY: ':0' }, 'WAYLAND'],
        [{}, 'NO_DISPLAY'],
      ] as const) {
        const { code, stdout } = await d3(['repoman', '--json'], at(more));
        expect(code, stdout).to.equal(30);
        expect(JSON.parse(stdout).errors[0].code).to.equal(refusal);
      }
    });

    it('is laid down and taken away, and says first what would be done; nothing that d3 did not write', async () => {
      const repoman = (...words: string[]) => d3(['repoman', ...words, '--root', root, '--json'], at());
      const answer = async (...words: string[]) => JSON.parse((await repoman(...words)).stdout);
      expect((await answer('install', '--dry-run')).result.dryRun).to.equal(true);
      expect(existsSync(folder)).to.equal(false);
      const [entry] = (await answer('install')).result.files;
      expect(entry).to.equal(path.join(root, 'etc/xdg/autostart/org.d3.repoman.desktop'));
      expect(readFileSync(entry, 'utf8')).to.include('/d3 repoman --no-input');
      expect((await answer('remove')).result.files).to.deep.equal([entry]);
      expect([existsSync(entry), existsSync(folder)]).to.deep.equal([false, true]);
      writeFileSync(entry, 'mine');
      for (const word of ['install', 'remove']) expect((await repoman(word)).code).to.equal(30);
      expect((await repoman('--every', '0')).code).to.equal(2);
    });

    it('is not laid down by an ordinary user (21)', async function () {
      if (UID !== 0) return this.skip();
      chmodSync(root, 0o755);
      const { code, stdout } = await d3(['repoman', 'install', '--json'], { ...at(), uid: 65_534 });
      expect([code, JSON.parse(stdout).errors[0].code]).to.deep.equal([21, 'REPOMAN_ACCESS']);
    });
  });
});
