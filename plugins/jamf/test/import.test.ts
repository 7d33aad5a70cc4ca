import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { D3Error } from '@d3/sdk';
import { expect } from 'chai';
import { bundle, zip } from '../../../packages/flatpkg/test/helpers/craft-zip.ts';
import { kindsComeFrom } from '../../../src/lifecycle/declared-kinds.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { d3, d3Program, type Ended } from '../../../test/cli/spawn.ts';
import { serveForTest } from '../../../test/depot/served.ts';
import { Sandbox } from '../../../test/support/sandbox.ts';
import { personsEnvironment, Screen } from '../../../test/support/screen.ts';
import { alone } from '../src/alone.ts';
import { readPlan } from '../src/import/plan-file.ts';
import { SECRET, StandIn } from './support/jamf-pro.ts';
import { PACKAGE } from './support/samples.ts';

interface Fate {
  jamf: string;
  fileName: string;
  fate: string;
  edition: string | null;
}

interface Outcome {
  exit: number;
  result: { dryRun: boolean; plan: string | null; packages: Fate[]; proposals: Record<string, unknown>[] } | null;
  errors: { code: string; message: string; target: string | null; actions: string[] }[];
  warnings: string[];
}

describe('d3 jamf import', function () {
  this.timeout(180_000);
  let sandbox: Sandbox;
  let jamf: StandIn;
  let secret: string;
  let server: string;
  // The depot is looked into from here, where no plugin is loaded.
  before(() => {
    const pjson = JSON.parse(readFileSync(path.join(import.meta.dirname, '../package.json'), 'utf8')) as object;
    kindsComeFrom(() => [{ pjson }]);
  });
  after(() => kindsComeFrom(() => []));
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    jamf = new StandIn();
    server = await jamf.start();
    secret = path.join(sandbox.dir, 'secret');
    writeFileSync(secret, `${SECRET}\n`, { mode: 0o600 });
  });
  afterEach(async () => {
    await jamf.stop();
    sandbox.remove();
    expect(jamf.wrong).to.deep.equal([]);
  });

  const line = (words: readonly string[]) => [
    'jamf',
    'import',
    ...words,
    '--server',
    server,
    '--client-id',
    'd3',
    '--secret-file',
    secret,
  ];
  const env = () => ({ D3_ROOT: sandbox.dir, D3_DEPOT: sandbox.depot, USER: 'sally' });
  const start = (...words: string[]): Promise<Ended> =>
    d3([...line(words), '--no-input'], { cwd: sandbox.dir, env: env() });
  const run = async (...words: string[]): Promise<Outcome> => {
    const { code, stdout, stderr } = await d3([...line(words), '--json', '--no-input'], {
      cwd: sandbox.dir,
      env: env(),
    });
    const outcome = JSON.parse(stdout) as Outcome;
    expect(outcome.exit, stderr).to.equal(code);
    return outcome;
  };

  /** Puts a package into Jamf Pro, and its file into the cloud. */
  async function put(fileName: string, fields: Record<string, unknown> = {}, into: 'cloud' | 'nowhere' = 'cloud') {
    const unique = fileName.replaceAll(/\W/g, '');
    const at = await sandbox.package(unique, { [`opt/${unique}/file`]: 'x'.repeat(20_000) + fileName });
    const content = readFileSync(at);
    if (into === 'cloud') jamf.bucket.files.set(fileName, content);
    const sha256 = createHash('sha256').update(content).digest('hex');
    const id = jamf.addPackage({ ...PACKAGE, packageName: fileName, fileName, sha256, ...fields });
    return { id, at, content, sha256 };
  }

  const depot = () =>
    sandbox.admin(async (session) => ({
      editions: await session.depot.editionsWithDerivedStatus(),
      links: await session.depot.store.documents('jamf-link').list(),
      categories: (await session.depot.store.documents('category').list()).map(({ name }) => name),
    }));

  /** What of Jamf Pro's packages was written: an import writes nothing. */
  const written = () => jamf.requests.filter(({ call }) => /^(?:POST|PUT|DELETE) \/v1\/packages/.test(call));

  const left = () => {
    const room = path.join(sandbox.depot, 'work', 'plugin-jamf-import');
    return existsSync(room) ? readdirSync(room).filter((name) => !name.startsWith('.lock')) : [];
  };

  it('depot3:BUG-35 takes a package in by its id, and by its name, where nobody can be asked', async () => {
    const firefox = await put('Firefox 128.0.3.pkg', { packageName: 'Firefox' });
    await put('Zoom.pkg', { packageName: 'Zoom Client' });
    const byId = await run('--id', firefox.id, '--basename', 'firefox', '--version', '128.0.3');
    expect(byId.exit).to.equal(0);
    expect(byId.result?.packages).to.deep.equal([
      {
        jamf: firefox.id,
        fileName: 'Firefox 128.0.3.pkg',
        packageName: 'Firefox',
        fate: 'imported',
        edition: 'firefox-128.0.3-1',
        warnings: [],
      },
    ]);
    const byName = await run('--name', 'Zoom Client', '--basename', 'zoom', '--version', '6');
    expect(byName.exit).to.equal(0);
    const { editions } = await depot();
    expect(editions.map(({ edition, status }) => `${edition} ${status}`)).to.deep.equal([
      'firefox-128.0.3-1 pilot',
      'zoom-6-1 pilot',
    ]);
    const again = await run('--id', firefox.id, '--basename', 'firefox', '--version', '128.0.3');
    expect([again.exit, again.result?.packages[0]?.fate]).to.deep.equal([0, 'there']);
    const other = await run('--id', firefox.id, '--basename', 'other', '--version', '1');
    expect([other.exit, other.errors[0]?.code]).to.deep.equal([30, 'JAMF_PACKAGE_TAKEN']);
    const unknown = await run('--id', '4711', '--basename', 'x', '--version', '1');
    expect([unknown.exit, unknown.errors[0]?.target]).to.deep.equal([34, '--id']);
    expect((await run('--name', 'Nothing', '--basename', 'x', '--version', '1')).exit).to.equal(34);
  });

  it('depot3:J11 depot3:B02 depot3:B03 depot3:B04 takes over what Jamf knows, and links the package to the edition', async () => {
    const category = jamf.add('categories', { name: 'Browsers', priority: 9 });
    const { id, sha256 } = await put('Firefox 128.0.3.pkg', {
      packageName: 'Mozilla Firefox',
      categoryId: category,
      notes: 'The browser.\rFrom mozilla.org.\r\nSee there.',
      osRequirements: '12.x, 13.x, 14.5, Sonoma',
      rebootRequired: true,
    });
    const named = ['--basename', 'firefox', '--version', '128.0.3', '--revision', '4'];
    const { exit, warnings } = await run('--id', id, ...named);
    expect(exit).to.equal(0);
    expect(warnings).to.deep.equal([`Firefox 128.0.3.pkg: no OS limit of d3's says "Sonoma"`]);
    const { editions, links, categories } = await depot();
    expect(editions).to.have.length(1);
    const [edition] = editions;
    expect(edition).to.deep.include({
      edition: 'firefox-128.0.3-4',
      packageName: 'Mozilla Firefox',
      category: 'Browsers',
      description: 'The browser.\nFrom mozilla.org.\nSee there.',
      oses: ['12.x', '13.x', '14.5'],
      reboot: true,
    });
    expect(edition?.file).to.deep.include({ name: 'Firefox 128.0.3.pkg', sha256 });
    expect(categories).to.deep.equal(['Browsers']);
    expect(links.map(({ name }) => name)).to.deep.equal([`package-${id}`]);
    const { seen, ...body } = links[0]!.body as unknown as Record<string, Record<string, unknown>>;
    expect(body).to.deep.equal({
      schema: 'd3/jamf-link@1',
      what: 'package',
      jamf: id,
      target: edition?.id,
      name: 'Mozilla Firefox',
    });
    expect(seen).to.deep.include({ sha256 });
    expect(written()).to.deep.equal([]);
    expect(left()).to.deep.equal([]);
    expect(jamf.bucket.asked.map(({ authorization }) => authorization)).to.deep.equal([null]);
  });

  it('depot3:J11 imports no guess nobody said yes to', async () => {
    const { id } = await put('Firefox 128.0.3.pkg');
    const lacking = await run('--id', id);
    expect(lacking.exit).to.equal(2);
    expect(lacking.errors[0]?.message).to.contain('--basename').and.to.contain('--version');
    expect(lacking.errors[0]?.actions.join()).to.contain('--basename firefox --version 128.0.3');
    const nothing = await run();
    expect([nothing.exit, nothing.errors[0]?.actions.join().includes('--plan-to')]).to.deep.equal([2, true]);
    expect((await depot()).editions).to.deep.equal([]);
  });

  it('depot3:J11 writes a plan, and carries it out once every line is right', async () => {
    await put('Firefox 128.0.3.pkg');
    await put('GoogleChrome-126.0.6478.127.pkg');
    await put('Zoom.pkg', { packageName: '=HYPERLINK("http://x")' });
    const plan = path.join(sandbox.dir, 'plan.csv');
    const made = await run('--plan-to', 'plan.csv');
    expect([made.exit, made.result?.plan]).to.deep.equal([0, plan]);
    const text = readFileSync(plan, 'utf8');
    expect(text.split('\r\n')).to.deep.equal([
      'jamf id,file name,package name,basename,version,revision,category,sure,note',
      '1,Firefox 128.0.3.pkg,Firefox 128.0.3.pkg,firefox,128.0.3,1,,likely,by its file name',
      '2,GoogleChrome-126.0.6478.127.pkg,GoogleChrome-126.0.6478.127.pkg,googlechrome,126.0.6478.127,1,,likely,by its file name',
      `3,Zoom.pkg,"'=HYPERLINK(""http://x"")",zoom,,,,guess,no version is in its names`,
      '',
    ]);
    const again = await run('--plan-to', 'plan.csv');
    expect([again.exit, again.errors[0]?.code]).to.deep.equal([30, 'PLAN_NOT_WRITTEN']);

    const guess = await run('--plan', 'plan.csv');
    expect(guess.exit).to.equal(2);
    expect(guess.errors.map(({ target, code }) => [target, code])).to.deep.equal([
      ['line 4', 'PLAN_ROW_IS_A_GUESS'],
      ['line 4', 'PLAN_ROW_INCOMPLETE'],
    ]);
    expect((await depot()).editions).to.deep.equal([]);
    expect(jamf.bucket.asked).to.deep.equal([]);

    writeFileSync(plan, text.replace('zoom,,,,guess', 'zoom,6.0,,Video,yes'));
    const dry = await run('--plan', 'plan.csv', '--dry-run');
    expect(dry.result?.packages.map(({ fate }) => fate)).to.deep.equal(Array(3).fill('would be imported'));
    expect(await depot()).to.deep.equal({ editions: [], links: [], categories: [] });
    const done = await run('--plan', 'plan.csv');
    expect(done.exit, JSON.stringify(done.errors)).to.equal(0);
    expect(done.result?.packages.map(({ edition }) => edition)).to.deep.equal([
      'firefox-128.0.3-1',
      'googlechrome-126.0.6478.127-1',
      'zoom-6.0-1',
    ]);
    expect((await depot()).categories).to.deep.equal(['Video']);
    const twice = await run('--plan', 'plan.csv');
    expect(twice.result?.packages.map(({ fate }) => fate)).to.deep.equal(['there', 'there', 'there']);
    const { stdout } = await start('--plan-to', 'second.csv');
    expect(stdout).to.contain('has 0 packages');
  });

  it('depot3:J11 a plan saved by another spreadsheet is read as well: marks, semicolons, quotes, empty lines', async () => {
    await put('a;b, "c" 1.0.pkg');
    await put('-x 2.0.pkg');
    writeFileSync(
      path.join(sandbox.dir, 'plan.csv'),
      [
        '\ufeffJamf ID;File Name;Version;Basename;Sure',
        `1;"a;b, ""c"" 1.0.pkg";1.0;abc;YES`,
        ';;;;',
        `2;'-x 2.0.pkg;2.0;x;likely`,
        '',
      ].join('\r\n'),
    );
    const done = await run('--plan', 'plan.csv');
    expect(done.exit, JSON.stringify(done.errors)).to.equal(0);
    expect((await depot()).editions.map(({ file }) => file.name)).to.deep.equal(['a;b, "c" 1.0.pkg', '-x 2.0.pkg']);
  });

  it('depot3:J11 every problem of a plan is named with its line, and nothing is done', async () => {
    await put('Firefox 128.0.3.pkg');
    await put('Zoom.pkg');
    await put('Old.pkg.zip');
    await sandbox.add('taken', '1.0', { filename: 'Zoom.pkg' });
    writeFileSync(
      path.join(sandbox.dir, 'plan.csv'),
      [
        'jamf id,file name,basename,version,revision,category,sure',
        '1,Firefox 127.0.pkg,fire fox,"1 2/3",x,,yes',
        '1,,firefox,128.0.3,,"a\u0007b",perhaps',
        '77,,none,1,,,yes',
        '2,,taken,1.0,1,,yes',
        '3,,old,1.0,,,yes',
        '',
      ].join('\n'),
    );
    const { exit, errors } = await run('--plan', 'plan.csv');
    expect(exit).to.equal(2);
    const at = (wanted: string) => errors.filter(({ target }) => target === wanted).map(({ code }) => code);
    expect(at('line 2')).to.deep.equal(['JAMF_PACKAGE_CHANGED', 'PLAN_ROW_INVALID']);
    expect(at('line 3')).to.include.members(['PLAN_ROW_TWICE', 'PLAN_ROW_INVALID', 'CATEGORY_INVALID']);
    expect(at('line 4')).to.deep.equal(['JAMF_PACKAGE_NOT_FOUND']);
    expect(at('line 5')).to.include('EDITION_EXISTS');
    expect(at('line 6')).to.deep.equal(['JAMF_FILE_KIND']);
    expect(errors.every(({ actions, message }) => actions.length + message.length > 10)).to.equal(true);
    expect((await depot()).links).to.deep.equal([]);
  });

  const HOSTILE: readonly (readonly [string, string | Buffer, string])[] = [
    ['an empty file', '', 'it is empty'],
    ['NUL', 'jamf id,basename,version\n1,a\0b,1\n', 'UTF-8'],
    ['what is no UTF-8', Buffer.from([0xff, 0xfe, 0x6a, 0x00]), 'UTF-8'],
    ['an open quote', 'jamf id,basename,version\n1,"a,1\n', 'Quote'],
    ['a missing column', 'jamf id,basename\n1,a\n', 'no column version'],
    ['a column d3 does not know', 'jamf id,basename,version,categry\n1,a,1,x\n', 'categry'],
    ['a column twice', 'jamf id,basename,version,version\n1,a,1,1\n', 'twice'],
    ['a huge cell', `jamf id,basename,version\n1,${'a'.repeat(2 * 1024 * 1024)},1\n`, 'Max Record Size'],
    ['a huge file', Buffer.alloc(17 * 1024 * 1024, 'a'), 'more than any plan'],
    ['more rows than any site has', `jamf id,basename,version\n${'1,a,1\n'.repeat(100_001)}`, 'more than 100000 rows'],
  ];
  for (const [what, content, says] of HOSTILE)
    it(`depot3:J11 refuses a plan with ${what}`, async () => {
      const plan = path.join(sandbox.dir, 'plan.csv');
      writeFileSync(plan, content);
      const error = await readPlan(plan).then(
        () => null,
        (reason: unknown) => reason as D3Error,
      );
      expect([error?.exit, error?.code]).to.deep.equal(['usage', 'PLAN_UNUSABLE']);
      expect(error?.message).to.contain(says);
    });

  it('depot3:J11 a download that is cut goes on where it ended, under a new address', async () => {
    const { id, content } = await put('Firefox 128.0.3.pkg');
    jamf.bucket.cuts = [1000];
    jamf.bucket.statuses = [503];
    const { exit } = await run('--id', id, '--basename', 'firefox', '--version', '1');
    expect(exit).to.equal(0);
    expect(jamf.bucket.asked.map(({ status, range }) => [status, range])).to.deep.equal([
      [503, null],
      [200, null],
      [206, 'bytes=1000-'],
    ]);
    expect((await depot()).editions[0]?.file.size).to.equal(content.length);
  });

  it('depot3:J11 what came of a file is kept for the next run, and begun anew when the file is another one', async () => {
    const { id, content } = await put('Firefox 128.0.3.pkg');
    jamf.bucket.cuts = [1000, 0, 0, 0];
    const cut = await run('--id', id, '--basename', 'firefox', '--version', '1');
    expect([cut.exit, cut.errors[0]?.code]).to.deep.equal([20, 'JAMF_FILE_NOT_FETCHED']);
    expect(left()).to.have.length(1);
    expect((await depot()).links).to.deep.equal([]);
    jamf.bucket.asked.length = 0;
    // Other bytes under the same name: the tag tells them apart.
    const other = Buffer.concat([content.subarray(0, -1), Buffer.from('!')]);
    jamf.bucket.files.set('Firefox 128.0.3.pkg', other);
    const wrong = await run('--id', id, '--basename', 'firefox', '--version', '1');
    expect([wrong.exit, wrong.errors[0]?.code]).to.deep.equal([33, 'JAMF_FILE_DIFFERS']);
    expect(jamf.bucket.asked.map(({ status, range }) => [status, range])).to.deep.equal([[200, 'bytes=1000-']]);
    expect(left()).to.deep.equal([]);
    jamf.bucket.files.set('Firefox 128.0.3.pkg', content);
    expect((await run('--id', id, '--basename', 'firefox', '--version', '1')).exit).to.equal(0);
  });

  it('depot3:J11 a server without ranges, and without tags, gives the whole file again', async () => {
    const { id } = await put('Firefox 128.0.3.pkg');
    jamf.bucket.cuts = [1000];
    jamf.bucket.ranges = false;
    jamf.bucket.tags = false;
    expect((await run('--id', id, '--basename', 'firefox', '--version', '1')).exit).to.equal(0);
    expect(jamf.bucket.asked.map(({ status }) => status)).to.deep.equal([200, 200]);
  });

  it('depot3:J11 every hash on record has to fit, whatever it is called; MD5 alone is said to prove nothing', async () => {
    const content = readFileSync(await sandbox.package('tool', { 'opt/tool': '1' }));
    const hash = (name: string) => createHash(name).update(content).digest('hex');
    const folder = path.join(sandbox.dir, 'share');
    mkdirSync(path.join(folder, 'Packages'), { recursive: true });
    const records: readonly (readonly [Record<string, unknown>, number, string?])[] = [
      [{ hashType: 'SHA_512', hashValue: hash('sha512') }, 0],
      [{ hashType: 'SHA-256', hashValue: hash('sha256').toUpperCase() }, 0],
      [{ hashType: 'SHA3_512', hashValue: hash('sha3-512') }, 0],
      [{ hashType: 'MD5', hashValue: hash('md5') }, 0, 'MD5'],
      [{}, 0, 'no hash'],
      [{ hashType: 'SHA_512', hashValue: hash('sha512').replace(/^./, (one) => (one === '0' ? '1' : '0')) }, 33],
      [{ md5: hash('md5'), sha256: hash('sha256'), sha3512: hash('sha3-512').replace(/.$/, 'g') }, 0],
      [{ md5: 'd'.repeat(32), sha256: hash('sha256') }, 33],
    ];
    const lines = records.map(([record], index) => {
      const fileName = `tool ${index}.0.pkg`;
      writeFileSync(path.join(folder, 'Packages', fileName), content);
      const id = jamf.addPackage({ ...PACKAGE, packageName: fileName, fileName, ...record });
      return `${id},tool,${index}.0`;
    });
    writeFileSync(path.join(sandbox.dir, 'plan.csv'), `jamf id,basename,version\n${lines.join('\n')}\n`);
    const { exit, result, warnings, errors } = await run('--plan', 'plan.csv', '--files', folder);
    expect(exit).to.equal(40);
    expect(result?.packages.map(({ fate }) => (fate === 'imported' ? 0 : 33))).to.deep.equal(
      records.map(([, code]) => code),
    );
    expect(errors.map(({ code }) => code)).to.deep.equal(['JAMF_FILE_DIFFERS', 'JAMF_FILE_DIFFERS']);
    for (const [index, [, , says]] of records.entries()) {
      const said = warnings.filter((text) => text.startsWith(`tool ${index}.0.pkg: Jamf`));
      expect(said.map((text) => text.includes(says ?? ''))).to.deep.equal(says === undefined ? [] : [true]);
    }
    expect(jamf.requests.filter(({ call }) => call.includes('jcds'))).to.deep.equal([]);
  });

  it('depot3:J11 each package has its fate: one that fails stops no other', async () => {
    await put('Absent 1.0.pkg', {}, 'nowhere');
    await put('Firefox 128.0.3.pkg');
    jamf.bucket.files.set('Bundle 1.0.pkg', zip(bundle({}, [], 'Old.pkg')));
    jamf.addPackage({ ...PACKAGE, packageName: 'Bundle', fileName: 'Bundle 1.0.pkg' });
    writeFileSync(
      path.join(sandbox.dir, 'plan.csv'),
      'jamf id,basename,version\n1,absent,1.0\n2,firefox,128.0.3\n3,bundle,1.0\n',
    );
    const { exit, result, errors } = await run('--plan', 'plan.csv');
    expect(exit).to.equal(40);
    expect(result?.packages.map(({ fate }) => fate)).to.deep.equal(['failed', 'imported', 'failed']);
    expect(errors[0]).to.deep.include({ code: 'JAMF_FILE_ABSENT', target: 'Absent 1.0.pkg' });
    expect(errors[0]?.actions.join()).to.contain('--files DIR');
    expect(errors[1]?.message).to.contain('Bundle 1.0.pkg').and.not.to.contain(sandbox.depot);
    const { editions, links } = await depot();
    expect(editions).to.have.length(1);
    expect(links.map(({ name }) => name)).to.deep.equal(['package-2']);
  });

  it('depot3:J11 the Apple package inside proposes the basename: of files at hand, and of others when they are looked into', async () => {
    const { content } = await put('Mozilla FF 128.0.pkg', { packageName: 'FF' });
    // The same identifier under a basename nobody would guess.
    const source = path.join(sandbox.dir, 'known.pkg');
    writeFileSync(source, content);
    await sandbox.addFile('browser', '127.0', source);
    const blind = await run('--plan-to', 'blind.csv');
    expect(blind.result?.proposals[0]).to.deep.include({ basename: 'mozilla-ff', sure: 'likely' });
    const looked = await run('--plan-to', 'looked.csv', '--look');
    expect(looked.result?.proposals[0]).to.deep.include({ basename: 'browser', version: '128.0', sure: 'guess' });
    expect(looked.result?.proposals[0]?.['note']).to.contain('org.example.MozillaFF1280pkg as browser');
    const share = sandbox.folder('share', {});
    writeFileSync(path.join(share, 'Mozilla FF 128.0.pkg'), content);
    jamf.bucket.asked.length = 0;
    const beside = await run('--plan-to', 'beside.csv', '--files', share);
    expect(beside.result?.proposals).to.deep.equal(looked.result?.proposals);
    expect(jamf.bucket.asked).to.deep.equal([]);
    const { warnings } = await run('--name', 'FF', '--basename', 'other', '--version', '128.0');
    expect(warnings.join()).to.contain('is also in browser');
  });

  for (const [what, record] of [
    ['a SHA-256', {}],
    ['no more than an MD5', { sha256: null, hashType: 'MD5', hashValue: null }],
    ['no hash, on a file share', { sha256: null, cloudTransferStatus: undefined }],
  ] as const)
    it(`depot3:J11 what was imported is never uploaded, where Jamf has ${what}: neither by a push, nor while it comes in`, async () => {
      const { id, content, sha256 } = await put('Firefox 128.0.3.pkg', { cloudTransferStatus: 'READY', ...record });
      if ('hashType' in record)
        jamf.set('packages', id, { hashValue: createHash('md5').update(content).digest('hex') });
      await run('--id', id, '--basename', 'firefox', '--version', '128.0.3');
      const push = async () => {
        const words = line([]).toSpliced(0, 2, 'jamf', 'push', 'firefox-128.0.3-1');
        const { stdout } = await d3([...words, '--json', '--no-input'], { cwd: sandbox.dir, env: env() });
        const { exit, result } = JSON.parse(stdout) as { exit: number; result: unknown };
        return JSON.stringify([exit, result]);
      };
      expect(await push()).to.match(/^\[0,.*"fate":"same"/);
      // As it is at the moment when d3 tells of the new edition.
      await sandbox.admin(async ({ depot: { store }, admin }) => {
        const links = store.documents('jamf-link');
        const link = (await links.list())[0] as Awaited<ReturnType<typeof links.list>>[0];
        const { seen, ...body } = link.body as { schema: string; seen: { record: string } };
        const under = { import: { basename: 'firefox', sha256 }, sha256, record: seen.record };
        await links.update(link.id, link.generation, { body: { ...body, target: null, seen: under } }, admin);
      });
      expect(await push()).to.match(/^\[0,.*"fate":"linked"/);
      expect(written()).to.deep.equal([]);
      expect((await depot()).links).to.have.length(1);
      expect(jamf.packages).to.have.length(1);
    });

  it('depot3:J11 an import that was cut between the edition and its link is finished, not repeated', async () => {
    const { id, sha256 } = await put('Firefox 128.0.3.pkg', { sha256: null });
    await run('--id', id, '--basename', 'firefox', '--version', '128.0.3');
    const linked = (await depot()).links;
    await sandbox.admin(async ({ depot: { store }, admin }) => {
      const links = store.documents('jamf-link');
      const link = (await links.list())[0] as (typeof linked)[0];
      const body = {
        ...(link.body as { schema: string }),
        target: null,
        seen: { import: { basename: 'firefox', sha256 } },
      };
      await links.update(link.id, link.generation, { body }, admin);
    });
    jamf.bucket.asked.length = 0;
    const { exit, result } = await run('--id', id, '--basename', 'firefox', '--version', '128.0.3');
    expect([exit, result?.packages[0]?.fate]).to.deep.equal([0, 'linked']);
    const { editions, links } = await depot();
    expect(editions).to.have.length(1);
    expect(links.map(({ body }) => body)).to.deep.equal(linked.map(({ body }) => body));
    expect(jamf.bucket.asked).to.deep.equal([]);
  });

  it('depot3:J11 an edition that somebody added from the very file is linked, not added again', async () => {
    const { id, at } = await put('Firefox 128.0.3.pkg');
    await sandbox.addFile('firefox', '128.0.3', at, { filename: 'Firefox 128.0.3.pkg' });
    const { result } = await run('--id', id, '--basename', 'firefox', '--version', '128.0.3');
    expect(result?.packages[0]).to.deep.include({ fate: 'linked', edition: 'firefox-128.0.3-1' });
    expect((await depot()).editions).to.have.length(1);
  });

  it('depot3:J11 a server that lets nobody in is asked for one package, not for all', async () => {
    await put('a 1.0.pkg');
    await put('b 1.0.pkg');
    writeFileSync(path.join(sandbox.dir, 'plan.csv'), 'jamf id,basename,version\n1,a,1.0\n2,b,1.0\n');
    jamf.behaviours.privileges = ['Read Packages', 'Read Categories', 'Read Self Service'];
    const { exit, result, errors } = await run('--plan', 'plan.csv');
    expect(exit).to.equal(21);
    expect(result?.packages.map(({ fate }) => fate)).to.deep.equal(['failed', 'not tried']);
    expect(errors.map(({ message }) => message).join()).to.contain('Read Jamf Cloud Distribution Service Files');
  });

  it('depot3:J11 a packager imports into a depot over the network; somebody who may only look is refused', async () => {
    await put('Firefox 128.0.3.pkg', { categoryId: jamf.add('categories', { name: 'Browsers', priority: 9 }) });
    const served = await serveForTest({ clock: systemClock });
    try {
      const as = async (role: 'packager' | 'viewer') => {
        const away = {
          D3_ROOT: sandbox.dir,
          D3_DEPOT: served.url,
          D3_CREDENTIALS: `${role}:${await served.token(role, role)}`,
          XDG_CACHE_HOME: sandbox.folder('cache', {}),
        };
        const words = line(['--id', '1', '--basename', 'firefox', '--version', '128.0.3']);
        const { stdout } = await d3([...words, '--json', '--no-input'], { cwd: sandbox.dir, env: away });
        return JSON.parse(stdout) as Outcome;
      };
      const viewer = await as('viewer');
      expect(viewer.exit).to.equal(21);
      expect(jamf.bucket.asked, 'nothing is fetched in vain').to.deep.equal([]);
      const packager = await as('packager');
      expect(packager.exit, JSON.stringify(packager.errors)).to.equal(0);
      const { store } = served.depot;
      const editions = await store.editions.list();
      expect(editions.map(({ edition, category, addedBy }) => [edition, category, addedBy])).to.deep.equal([
        ['firefox-128.0.3-1', 'Browsers', 'packager'],
      ]);
      const links = await store.documents('jamf-link').list();
      expect(links.map(({ name, changedBy }) => [name, changedBy])).to.deep.equal([['package-1', 'packager']]);
    } finally {
      await served.discard();
    }
  });

  it('depot3:J11 one import at a time on a host; what a killed one left behind is in nobody’s way', async () => {
    const { id } = await put('Firefox 128.0.3.pkg');
    const room = path.join(sandbox.depot, 'work', 'plugin-jamf-import');
    mkdirSync(room, { recursive: true });
    const busy = await alone(room, () => run('--id', id, '--basename', 'firefox', '--version', '1'));
    expect([busy.exit, busy.errors[0]?.code]).to.deep.equal([41, 'IMPORT_BUSY']);
    writeFileSync(path.join(room, 'left'), 'of one that was killed');
    expect((await run('--id', id, '--basename', 'firefox', '--version', '1')).exit).to.equal(0);
    expect(readdirSync(room)).to.deep.equal(['.lock']);
  });

  it('depot3:J11 two packages of one name, or of one file, are told apart in the plan', async () => {
    await put('a 1.0.pkg', { packageName: 'Tool' });
    await put('b 1.0.pkg', { packageName: 'Tool' });
    const twin = jamf.addPackage({ ...PACKAGE, packageName: 'Twin', fileName: 'a 1.0.pkg' });
    const made = await run('--plan-to', 'made.csv');
    expect(made.result?.proposals[0]?.['note']).to.contain(`Jamf's package ${twin} has the same file`);
    const plan = (rows: string) =>
      writeFileSync(path.join(sandbox.dir, 'plan.csv'), `jamf id,package name,basename,version\n${rows}\n`);
    plan(`1,,a,1.0\n2,Tool,b,1.0\n${twin},Twin,c,1.0`);
    const same = await run('--plan', 'plan.csv');
    expect([same.exit, same.errors.map(({ code, target }) => `${target} ${code}`)]).to.deep.equal([
      30,
      ['line 3 PLAN_NAME_TWICE', 'line 4 PLAN_NAME_TWICE'],
    ]);
    plan('1,,a,1.0\n2,Tool of B,b,1.0');
    expect((await run('--plan', 'plan.csv')).exit).to.equal(0);
    expect((await depot()).editions.map(({ packageName }) => packageName)).to.deep.equal(['Tool', 'Tool of B']);
    const nowhere = await run('--plan', 'plan.csv', '--files', path.join(sandbox.dir, 'no-such'));
    expect([nowhere.exit, nowhere.errors[0]?.target]).to.deep.equal([2, '--files']);
  });

  it('depot3:J11 killed anywhere, it leaves nothing half: the next run goes on, and all are in once', async function () {
    this.timeout(420_000);
    const names = ['a', 'b', 'c', 'd'];
    for (const name of names) await put(`${name} 1.0.pkg`);
    const rows = names.map((name, index) => `${index + 1},${name},1.0,Cut`);
    writeFileSync(path.join(sandbox.dir, 'plan.csv'), `jamf id,basename,version,category\n${rows.join('\n')}\n`);
    const moments: readonly (() => boolean)[] = [
      () => jamf.requests.length > 0,
      () => jamf.requests.length > 3,
      ...[0, 15, 40, 80, 120, 170, 220, 280, 350, 430].map((after) => within(after)),
    ];
    // Slow enough to be cut while it comes.
    jamf.bucket.pace = 15;
    let [kills, resumed] = [0, 0];
    for (const moment of moments) {
      jamf.requests.length = 0;
      jamf.bucket.asked.length = 0;
      const { signal } = await d3([...line(['--plan', 'plan.csv']), '--json', '--no-input'], {
        cwd: sandbox.dir,
        env: env(),
        running: (child) => {
          const timer = setInterval(() => {
            if (moment()) child.kill('SIGKILL');
          }, 3);
          child.once('close', () => clearInterval(timer));
        },
      });
      if (signal === 'SIGKILL') kills += 1;
      resumed += jamf.bucket.asked.filter(({ status }) => status === 206).length;
      await nothingHalf();
    }
    expect(kills, 'cuts that met it').to.be.greaterThan(4);
    expect(resumed, 'downloads that went on').to.be.greaterThan(0);
    const { exit, result } = await run('--plan', 'plan.csv');
    expect(exit).to.equal(0);
    expect(result?.packages.map(({ edition }) => edition)).to.deep.equal(names.map((name) => `${name}-1.0-1`));
    const { editions, links, categories } = await depot();
    expect(editions.map(({ basename }) => basename)).to.have.members(names);
    expect(links.map(({ body }) => body['target'])).to.have.members(editions.map(({ id }) => id));
    expect(categories).to.deep.equal(['Cut']);
    expect(left()).to.deep.equal([]);
    expect(written()).to.deep.equal([]);
  });

  /** So many milliseconds after a file was asked for. */
  function within(after: number): () => boolean {
    let since: number | null = null;
    return () => {
      if (since === null && jamf.bucket.asked.length > 0) since = Date.now();
      return since !== null && Date.now() - since >= after;
    };
  }

  /** After a cut: each edition is whole, none is there twice, and a link names an edition that is there or none. */
  async function nothingHalf(): Promise<void> {
    const { editions, links } = await depot();
    expect(new Set(editions.map(({ file }) => file.name)).size).to.equal(editions.length);
    for (const { file, status } of editions) {
      expect(status).to.equal('pilot');
      const content = jamf.bucket.files.get(file.name) as Buffer;
      expect(file.sha256).to.equal(createHash('sha256').update(content).digest('hex'));
    }
    const ids: unknown[] = [null, ...editions.map(({ id }) => id)];
    for (const { body } of links) expect(ids).to.include(body['target']);
    expect(links.filter(({ body }) => body['target'] === null).length).to.be.lessThan(2);
  }

  it('depot3:J11 depot3:BUG-35 asks a person: packages are picked, proposals changed, and one yes takes them in', async () => {
    await put('Firefox 128.0.3.pkg');
    await put('Zoom.pkg');
    await put('Left out 1.0.pkg');
    const personal = personsEnvironment(sandbox.folder('home', {}), { TMPDIR: sandbox.folder('tmp', {}), ...env() });
    const screen = new Screen([...d3Program, ...line([])], { cwd: sandbox.dir, env: personal });
    try {
      await screen.sees('3 packages of Jamf Pro are not in d3');
      await screen.type('fire');
      await screen.sees('[ ] 1: Firefox 128.0.3.pkg');
      await screen.press('return');
      await screen.sees('Done: 1 picked');
      await screen.choose('[ ] 2: Zoom.pkg');
      await screen.sees('Done: 2 picked');
      await screen.choose('Done: 2 picked');

      await screen.sees('Take it as firefox-128.0.3-1');
      await screen.choose('Take it as firefox-128.0.3-1');

      await screen.sees('no version is in its names');
      await screen.choose('Take it as zoom-?');
      await screen.sees('It needs a version.');
      await screen.choose('Version: none');
      await screen.sees('Version:');
      await screen.type('6.0');
      await screen.press('return');
      await screen.sees('Take it as zoom-6.0');
      await screen.choose('Category: none');
      await screen.sees('One that is not there is made');
      await screen.type('Video');
      await screen.press('return');
      await screen.sees('Take it as zoom-6.0, Video');
      await screen.choose('Take it as zoom-6.0, Video');

      await screen.sees('Take these 2 in as pilots?');
      expect((await depot()).editions, 'nothing is done before somebody agrees').to.deep.equal([]);
      await screen.type('y');
      await screen.press('return');
      expect(await screen.ended(), screen.text).to.equal(0);
    } finally {
      screen.close();
    }
    const { editions, categories } = await depot();
    expect(editions.map(({ edition, category }) => [edition, category])).to.deep.equal([
      ['firefox-128.0.3-1', null],
      ['zoom-6.0-1', 'Video'],
    ]);
    expect(categories).to.deep.equal(['Video']);
  });

  it('depot3:J11 depot3:BUG-35 asks about one package that is named by its id, and looks into its file', async () => {
    const { id } = await put('Firefox 128.0.3.pkg');
    const personal = personsEnvironment(sandbox.folder('home', {}), { TMPDIR: sandbox.folder('tmp', {}), ...env() });
    const screen = new Screen([...d3Program, ...line(['--id', id, '--category', 'Browsers'])], {
      cwd: sandbox.dir,
      env: personal,
    });
    try {
      await screen.choose('Fetch its file and look into it');
      await screen.sees('the package itself says 1');
      await screen.choose('Basename: firefox');
      await screen.type('browser');
      await screen.press('return');
      await screen.choose('Take it as browser-128.0.3-1, Browsers');
      await screen.sees('Take it in as a pilot?');
      await screen.press('return');
      expect(await screen.ended(), screen.text).to.equal(0);
    } finally {
      screen.close();
    }
    expect((await depot()).editions, 'no was said').to.deep.equal([]);
  });
});
