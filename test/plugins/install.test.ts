import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { integrityOf, NpmRegistry } from '../support/npm-registry.ts';
import { packed } from '../support/packages.ts';
import { breachOf } from '../support/schemas.ts';
import { Place, plugin, saying } from './place.ts';

describe('d3 plugins', function () {
  this.timeout(600_000);
  let registry: NpmRegistry;
  let place: Place;
  let mark: string;
  beforeEach(async () => {
    registry = await new NpmRegistry().listen();
    place = new Place(registry.url);
    mark = path.join(place.dir, 'a-script-ran');
  });
  afterEach(async () => {
    place.remove();
    await registry.close();
  });

  const publish = (name: string, version: string, word: string, more: object = {}) => {
    const made = plugin(name, version, word, mark);
    return registry.publish({ ...made.manifest, ...more }, made.files);
  };

  it('installs from the registry, pins version and content, updates within what was asked, and removes without a network', async () => {
    registry.publish(
      { name: 'words', version: '1.0.0', type: 'module', exports: './index.js' },
      {
        'index.js': 'export const word = "from a dependency";',
      },
    );
    const { manifest } = plugin('d3-night', '1.0.0', 'night', mark);
    const command = saying('x', 'import { word } from "words";').replace('"x"', 'word');
    const first = registry.publish(
      { ...manifest, dependencies: { words: '^1.0.0' } },
      { 'commands/night.js': command },
    );

    const { exit, result, errors } = await place.plugins(['install', 'd3-night@^1']);
    expect(exit, JSON.stringify(errors)).to.equal(0);
    expect(result).to.deep.equal([
      { name: 'd3-night', version: '1.0.0', before: null, integrity: first, allowedBy: '*', outcome: 'installed' },
    ]);
    expect(place.lock.plugins[0]).to.deep.include({ version: '1.0.0', integrity: first, asked: 'd3-night@^1' });
    expect(breachOf('documents/plugins-lock@1', place.lock)).to.equal(null);
    expect(await place.run(['night'])).to.deep.include({ code: 0, stdout: 'from a dependency\n', stderr: '' });
    expect(existsSync(mark), 'a script of the package ran').to.equal(false);

    expect((await place.plugins(['install', 'd3-night@^1'])).result[0]).to.include({ outcome: 'kept' });
    publish('d3-night', '1.1.0', 'night');
    publish('d3-night', '2.0.0', 'night');
    expect((await place.plugins(['update'])).result[0]).to.include({ outcome: 'updated', version: '1.1.0' });
    expect(await place.run(['night'])).to.deep.include({ code: 0, stdout: 'night\n' });

    await registry.close();
    const removed = await place.plugins(['unlink', 'd3-night']);
    expect(removed).to.deep.include({ exit: 0, result: [{ name: 'd3-night', version: '1.1.0' }] });
    expect(place.stored).to.deep.equal([]);
    expect(await place.run(['night'])).to.deep.include({ code: 127 });
    await registry.listen();
  });

  it('K-allow: what is not on the list is refused from wherever it comes, and nothing of it runs', async () => {
    const inside = publish('d3-known', '1.0.0', 'known');
    publish('d3-other', '1.0.0', 'other');
    place.allow(['d3-known@^1']);
    expect((await place.plugins(['install', 'd3-known'])).errors).to.deep.equal([]);
    publish('d3-known', '2.0.0', 'known');
    const made = plugin('d3-other', '1.0.0', 'other', mark);
    const files = { 'package.json': JSON.stringify(made.manifest), ...made.files };
    const tarball = place.write('other.tgz', packed(files));
    for (const [file, text] of Object.entries(files)) place.write(`other/${file}`, text);
    const repository = path.join(place.dir, 'other');
    const git = (...words: string[]) =>
      spawnSync('git', ['-C', repository, '-c', 'user.name=a', '-c', 'user.email=a@b', ...words], { encoding: 'utf8' });
    git('init', '--quiet');
    git('add', '.');
    expect(git('commit', '--quiet', '-m', 'x').status).to.equal(0);

    const before = place.lock;
    const places = ['d3-other', tarball, './other', `git+file://${repository}`, 'd3-known@2'];
    for (const words of [
      ['install', ...places],
      ['link', repository],
    ]) {
      const { exit, errors } = await place.plugins(words);
      expect(exit, JSON.stringify(errors)).to.equal(30);
      expect(errors.map(({ code }) => code)).to.deep.equal(words.slice(1).map(() => 'PLUGIN_NOT_ALLOWED'));
    }
    // An update, to which nobody names a version, stays within the list or is refused.
    place.allow(['d3-known@1.0.0']);
    expect(await place.plugins(['update'])).to.deep.include({ exit: 30 });
    place.allow([`d3-known ${integrityOf(Buffer.from('something else'))}`]);
    expect(await place.plugins(['install', 'd3-known@1.0.0', '--force'])).to.deep.include({ exit: 30 });
    expect(place.lock).to.deep.equal(before);

    place.allow([`d3-known@1.0.0 ${inside}`, 'd3-other@1']);
    expect(await place.plugins(['install', 'd3-known@1.0.0', '--force'])).to.deep.include({ exit: 0 });
    expect(await place.plugins(['install', `git+file://${repository}`])).to.deep.include({ exit: 0 });
    expect(await place.run(['other'])).to.deep.include({ code: 0, stdout: 'other\n' });
    expect(await place.plugins(['link', repository])).to.deep.include({ exit: 0 });
    expect(existsSync(mark), 'a script of the package ran').to.equal(false);
  });

  it('without a list nothing is allowed to root and in CI', async function () {
    publish('d3-night', '1.0.0', 'night');
    place.allow(null);
    const root = process.getuid?.() === 0;
    const ended = await place.plugins(['install', 'd3-night'], { env: root ? {} : { CI: 'true' } });
    expect(ended.exit).to.equal(30);
    expect(ended.errors[0]?.message).to.contain(root ? 'root installs only what' : 'in CI only what');
    expect(ended.errors[0]?.actions.join()).to.match(/plugins\.allow.*"d3-night@1\.0\.0 sha512-/);
    if (root) return;
    expect((await place.plugins(['install', 'd3-night'])).errors).to.deep.equal([]);
  });

  it('a publisher’s key lets in what was signed with it, and nothing else', async () => {
    const ours = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const theirs = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = ours.publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
    const signed = (name: string, by: typeof ours.privateKey) => (integrity: string) => [
      sign('sha256', Buffer.from(`${name}@1.0.0:${integrity}`), by).toString('base64'),
    ];
    for (const [name, by] of [
      ['d3-ours', ours.privateKey],
      ['d3-theirs', theirs.privateKey],
    ] as const) {
      const { manifest, files } = plugin(name, '1.0.0', name);
      registry.publish(manifest, files, signed(name, by));
    }
    place.allow([`* key:${key}`]);
    expect((await place.plugins(['install', 'd3-ours'])).errors).to.deep.equal([]);
    const refused = await place.plugins(['install', 'd3-theirs']);
    expect(refused.exit).to.equal(30);
    expect(refused.errors[0]?.message).to.contain('nobody signed');
  });

  it('a failed upgrade keeps the old one: it does not load, there is none, it was altered', async () => {
    publish('d3-night', '1.0.0', 'night one');
    expect((await place.plugins(['install', 'd3-night'])).errors).to.deep.equal([]);
    const before = place.lock;
    const bad = plugin('d3-night', '1.1.0', 'night', mark);
    registry.publish(bad.manifest, { 'commands/night.js': 'throw new Error("no good");' });
    publish('d3-night', '1.2.0', 'night two');

    const broken = await place.plugins(['install', 'd3-night@1.1.0', 'd3-night@7']);
    expect(broken.errors.map(({ code }) => code)).to.deep.equal(['PLUGIN_BROKEN', 'PLUGIN_NOT_FOUND']);
    registry.fails = 500;
    expect(await place.plugins(['update'])).to.deep.include({ exit: 20 });
    registry.fails = null;
    registry.alters = true;
    const altered = await place.plugins(['install', 'd3-night@1.2.0']);
    expect(altered.exit, JSON.stringify(altered.errors)).to.equal(33);
    registry.alters = false;
    expect(place.lock.plugins).to.deep.equal(before.plugins);
    expect(await place.run(['night'])).to.deep.include({ code: 0, stdout: 'night one\n', stderr: '' });
  });

  it('an update takes no older version, and of a version no other content', async () => {
    publish('d3-night', '1.1.0', 'night one');
    expect((await place.plugins(['install', 'd3-night'])).errors).to.deep.equal([]);
    const before = place.lock;
    // The last that was published is what the registry calls the latest.
    publish('d3-night', '1.0.0', 'night old');
    expect((await place.plugins(['update'])).result[0]).to.include({ version: '1.1.0', outcome: 'kept' });
    publish('d3-night', '1.1.0', 'night altered');
    const altered = await place.plugins(['install', 'd3-night@1.1.0']);
    expect(altered.exit).to.equal(33);
    expect(altered.errors[0]).to.include({ code: 'PLUGIN_ALTERED' });
    expect(place.lock).to.deep.equal(before);
    expect((await place.plugins(['install', 'd3-night@1.1.0', '--force'])).errors).to.deep.equal([]);
    expect(await place.run(['night'])).to.deep.include({ stdout: 'night altered\n' });
  });

  it('where nobody answers that is said within seconds, and nothing changes', async () => {
    publish('d3-night', '1.0.0', 'night one');
    expect((await place.plugins(['install', 'd3-night'])).errors).to.deep.equal([]);
    const before = place.lock;
    publish('d3-night', '1.2.0', 'night two');
    const started = process.hrtime.bigint();
    expect(await place.plugins(['install', 'd3-absent'])).to.deep.include({ exit: 34 });
    const answered = Number(process.hrtime.bigint() - started) / 1e6;
    registry.silent = true;
    const asked = process.hrtime.bigint();
    const mute = await place.plugins(['install', 'd3-night@1.2.0']);
    expect(mute.exit, JSON.stringify(mute.errors)).to.equal(20);
    // Starting everything takes its time where much goes on; waiting for nobody may take no more than this besides.
    expect(Number(process.hrtime.bigint() - asked) / 1e6 - answered).to.be.lessThan(5000);
    const places = [`${registry.url}d3-night.tgz`, `git+${registry.url}d3-night.git`];
    const elsewhere = process.hrtime.bigint();
    const mutes = await place.plugins(['install', ...places]);
    expect(mutes.errors.map(({ code }) => code)).to.deep.equal(places.map(() => 'REGISTRY_UNREACHABLE'));
    expect(Number(process.hrtime.bigint() - elsewhere) / 1e6 - answered).to.be.lessThan(places.length * 5000);
    registry.silent = false;
    await registry.close();
    const gone = await place.plugins(['update']);
    expect(gone.exit).to.equal(20);
    expect(gone.errors[0]).to.include({ code: 'REGISTRY_UNREACHABLE' });
    await registry.listen();

    expect(place.lock.plugins).to.deep.equal(before.plugins);
    expect(await place.run(['night'])).to.deep.include({ code: 0, stdout: 'night one\n', stderr: '' });
  });

  it('a plugin that takes the name of one of d3’s own, or of one of its commands, is refused', async () => {
    publish('@d3/plugin-jamf', '1.0.0', 'free');
    publish('d3-thief', '1.0.0', 'sync');
    publish('d3-rescue', '1.0.0', 'version');
    publish('d3-first', '1.0.0', 'free');
    publish('d3-second', '1.0.0', 'free');
    const names = ['@d3/plugin-jamf', 'd3-thief', 'd3-rescue', 'd3-first', 'd3-second'];
    const { errors } = await place.plugins(['install', ...names]);
    expect(errors.map(({ code, target }) => [code, target])).to.deep.equal(
      ['@d3/plugin-jamf', 'd3-thief', 'd3-rescue', 'd3-second'].map((name) => ['NAME_TAKEN', name]),
    );
    const words = ['belongs to d3', '"sync" is one of d3\'s own', '"version" is one of d3\'s own', 'one of d3-first'];
    for (const [at, text] of words.entries()) expect(errors[at]?.message).to.contain(text);
    expect(place.installed).to.deep.equal(['d3-first@1.0.0']);

    for (const [name, word] of [
      ['@d3/plugin-jamf', 'free'],
      ['d3-thief', 'sync'],
    ] as const) {
      const thief = plugin(name, '1.0.0', word);
      place.write('thief/package.json', JSON.stringify(thief.manifest));
      place.write(`thief/commands/${word}.js`, saying(word));
      const linked = await place.plugins(['link', path.join(place.dir, 'thief')]);
      expect(linked.errors[0], name).to.include({ code: 'NAME_TAKEN' });
    }

    // A linked one may take it later: d3's own counts, and doctor tells.
    const root = path.join(place.dir, 'later');
    const made = plugin('d3-later', '1.0.0', 'later');
    place.write('later/package.json', JSON.stringify(made.manifest));
    place.write('later/commands/later.js', saying('later'));
    expect((await place.plugins(['link', root])).errors).to.deep.equal([]);
    writeFileSync(path.join(root, 'commands/version.js'), saying('mine'));
    expect((await place.run(['version'])).stdout).to.match(/^d3 /);
    const doctor = await place.run(['doctor', '--json']);
    expect(doctor.stdout).to.contain('its command \\"version\\" is one of d3');
  });

  it('doctor tells of files that were changed and of what would not be allowed now; reset --reinstall mends', async () => {
    publish('d3-night', '1.0.0', 'night');
    expect((await place.plugins(['install', 'd3-night'])).errors).to.deep.equal([]);
    const at = path.join(place.folder, place.lock.plugins.map((one) => 'folder' in one && one.folder).join());
    writeFileSync(path.join(at, 'node_modules/d3-night/commands/night.js'), saying('changed'));
    place.allow(['d3-day']);
    const problem = async () => {
      const { result } = JSON.parse((await place.run(['doctor', '--json'])).stdout) as {
        result: { plugins: { name: string; problem: string | null }[] };
      };
      return result.plugins.find(({ name }) => name === 'd3-night')?.problem;
    };
    expect(await problem())
      .to.contain('changed after it was installed')
      .and.contain('would not be allowed now');
    place.allow(['d3-night']);
    expect((await place.plugins(['reset', '--reinstall'])).errors).to.deep.equal([]);
    expect(await problem()).to.equal(null);
    expect(await place.run(['night'])).to.deep.include({ code: 0, stdout: 'night\n' });

    writeFileSync(path.join(place.folder, 'd3.plugins.lock'), '{"schema":');
    expect((await place.run(['list-installed'])).stderr).to.contain('d3.plugins.lock cannot be read');
    expect((await place.plugins(['install', 'd3-night'])).errors[0]).to.include({ code: 'LOCK_BROKEN' });
    expect((await place.plugins(['reset'])).errors).to.deep.equal([]);
    expect((await place.plugins(['install', 'd3-night'])).errors).to.deep.equal([]);
  });

  it('what somebody else could change is neither linked nor installed into', async () => {
    const made = plugin('d3-open', '1.0.0', 'open');
    place.write('open/package.json', JSON.stringify(made.manifest));
    const command = place.write('open/commands/open.js', saying('open'));
    chmodSync(command, 0o666);
    const root = path.join(place.dir, 'open');
    const open = await place.plugins(['link', root]);
    expect(open.exit).to.equal(30);
    expect(open.errors[0]?.message).to.contain(`others may write ${command}`);
    chmodSync(command, 0o644);
    expect((await place.plugins(['link', root])).errors).to.deep.equal([]);
    chmodSync(place.folder, 0o777);
    expect((await place.plugins(['unlink', 'd3-open'])).errors[0]).to.include({ code: 'PLUGINS_UNTRUSTED' });
  });

  it('root’s plugins are the machine’s, whoever’s home it runs with', async function () {
    if (process.getuid?.() !== 0) this.skip();
    const env = { XDG_DATA_HOME: undefined, HOME: place.dir };
    const { stdout } = await place.run(['version', '--verbose', '--json'], { env });
    const { result } = JSON.parse(stdout) as { result: { details: { paths: Record<string, string> } } };
    const mac = '/Library/Application Support/d3/plugins';
    expect(result.details.paths['plugins']).to.equal(process.platform === 'darwin' ? mac : '/var/lib/d3/plugins');
  });

  it('a dry run says what would be done, and changes nothing', async () => {
    publish('d3-night', '1.0.0', 'night');
    const { exit, result } = await place.plugins(['install', 'd3-night', '--dry-run']);
    expect(exit).to.equal(0);
    expect(result[0]).to.include({ outcome: 'would', version: '1.0.0' });
    expect(place.stored).to.deep.equal([]);
    expect(existsSync(path.join(place.folder, 'd3.plugins.lock'))).to.equal(false);
    await place.plugins(['install', 'd3-night']);
    const { installed, stored } = place;
    const again = await place.plugins(['reset', '--reinstall', '--dry-run']);
    expect(again.result.map(({ outcome }) => outcome)).to.deep.equal(['would']);
    for (const words of [['uninstall', 'd3-night'], ['reset']])
      expect(await place.run(['plugins', ...words, '--dry-run'])).to.include({
        code: 0,
        stdout: 'd3-night 1.0.0 would be removed\n',
      });
    expect([place.installed, place.stored]).to.deep.equal([installed, stored]);
  });

  it('what oclif’s own installer left is taken over', async () => {
    const root = path.join(place.folder, 'node_modules/d3-old');
    mkdirSync(path.join(root, 'commands'), { recursive: true });
    writeFileSync(path.join(root, 'package.json'), JSON.stringify(plugin('d3-old', '1.0.0', 'old').manifest));
    writeFileSync(path.join(root, 'commands/old.js'), saying('old'));
    const list = { oclif: { plugins: [{ name: 'd3-old', type: 'user', tag: 'latest' }] } };
    writeFileSync(path.join(place.folder, 'package.json'), JSON.stringify(list));
    publish('d3-night', '1.0.0', 'night');
    expect((await place.plugins(['install', 'd3-night'])).errors).to.deep.equal([]);
    expect(place.installed).to.deep.equal(['d3-old@1.0.0', 'd3-night@1.0.0']);
    expect(await place.run(['old'])).to.deep.include({ code: 0, stdout: 'old\n', stderr: '' });
    publish('d3-old', '1.1.0', 'old');
    expect((await place.plugins(['update', 'd3-old'])).result[0]).to.include({ version: '1.1.0' });
  });
});
