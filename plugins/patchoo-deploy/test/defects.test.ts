import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv } from 'ajv';
import { expect } from 'chai';
import { loadPluginSettings } from '../../../src/config/layers.ts';
import { d3, repository } from '../../../test/cli/spawn.ts';
import { problemsOf } from '../../../test/support/errors.ts';
import { withOwnPluginSettings, withoutPluginSettings } from '../../../test/support/own-plugin-settings.ts';
import { Sandbox } from '../../../test/support/sandbox.ts';
import { advance } from '../src/advance.ts';
import { begin } from '../src/begin.ts';
import { bootstrapFiles } from '../src/bootstrap.ts';
import { lockFiles } from '../src/lock/files.ts';
import { readTexts } from '../src/screens/texts.ts';
import { lockView } from '../src/screens/views.ts';
import { stepsOf } from '../src/steps.ts';
import { CALM, World } from './support/world.ts';

/** What patchoo did wrong, and is not done here. */
describe('what was wrong in patchoo', () => {
  async function live(world: World): Promise<void> {
    await begin({ mode: 'deploy', by: 'sally', enrolment: 'new', again: false }, world.process(null));
    for (let turns = 0; turns < 100; turns += 1) {
      const { state } = await world.status();
      if (['released', 'cancelled', 'failed-held'].includes(state)) return;
      if (state === 'restarting') world.restart();
      await advance(world.process(null), { stays: true, by: 'sally' });
    }
  }

  it('patchoo:D-05 the depot is told that a machine is deployed and patched after the loop, and not before', async () => {
    const world = new World({
      packages: [{ name: 'lamp', restart: false, never: false }],
      settings: { checkIn: 'no' },
    });
    await live(world);
    expect(world.told).to.deep.equal(['deployed', 'released']);
    expect(world.happened).to.deep.equal(['deploy', 'deploy-studio', 'install lamp', 'update']);
  });

  it('patchoo:D-13 what goes on after a restart, and the lock, are started by an absolute path', () => {
    const program = '/usr/local/bin/d3';
    for (const platform of ['darwin', 'linux'] as const) {
      const files = [bootstrapFiles(program, platform), lockFiles(program, platform)].flatMap(
        (trigger) => trigger.files,
      );
      for (const { name, text } of files) {
        const started = /<key>ProgramArguments<\/key>\s*<array>\s*<string>([^<]+)|^ExecStart=(\S+)/m.exec(text);
        expect(started?.[1] ?? started?.[2], `${platform} ${name}`).to.equal(program);
      }
    }
  });

  it('patchoo:D-14 without an icon of their own the screens have none that is not there', async () => {
    const world = new World({ assigned: null });
    await begin({ mode: 'deploy', by: 'sally', enrolment: 'new', again: false }, world.process(null));
    const [run] = await world.process(null).ports.runs.list();
    if (run === undefined) throw new Error('there is no run');
    const facts = { run, hold: null, trouble: null, serial: null, said: null };
    const parts = { texts: readTexts([]), icon: null, contact: null, logLine: null, now: world.now };
    expect(lockView(facts, parts).icon).to.equal(null);
    expect(JSON.stringify(lockView(facts, parts))).not.to.include('undefined');
  });

  it('patchoo:D-20 what is set as a list is done in its order, the tenth after the ninth', () => {
    const extraEvents = Array.from({ length: 12 }, (_, at) => `extra-${at + 1}`);
    const { settings } = new World({ settings: { extraEvents } });
    const names = stepsOf('deploy', settings).map(({ name }) => name ?? '');
    expect(names.filter((name) => name.startsWith('extra-'))).to.deep.equal(extraEvents);
  });

  it('patchoo:D-24 the same warning is there once, however often it is given', async () => {
    const world = new World({
      settings: { updateStuck: 'release', updateStuckCycles: 3 },
      policies: { ...CALM.policies, update: { fails: 9, restart: false } },
      packages: [{ name: 'bad', restart: false, never: true }],
    });
    await live(world);
    const { warnings } = await world.status();
    expect(world.happened.filter((word) => word === 'update fails').length).to.equal(3);
    expect(warnings.filter((warning) => warning.startsWith('update:')).length).to.equal(1);
  });

  it('patchoo:D-30 patchoo:UL-09 whether it is patched is asked of the plan, whatever policies of updates did or left undone', async () => {
    const { update: _, ...policies } = CALM.policies;
    const packages = [{ name: 'lamp', restart: false, never: false }];
    const nobody = new World({ policies, packages, settings: { checkIn: 'no' } });
    await live(nobody);
    expect([(await nobody.status()).state, nobody.happened]).to.deep.equal([
      'released',
      ['deploy', 'deploy-studio', 'install lamp'],
    ]);
    const content = new World({ packages: [{ name: 'bad', restart: false, never: true }] });
    await live(content);
    expect((await content.status()).state, 'although each policy was content').to.equal('failed-held');
  });

  it('patchoo:D-32 a restart after setup comes whatever is on the screen: nothing of it is asked', async () => {
    const world = new World({ settings: { afterSetup: 'always' } });
    await begin({ mode: 'deploy', by: 'sally', enrolment: 'new', again: false }, world.process(null));
    await advance(world.process(null), { stays: true, by: 'sally' });
    expect([(await world.status()).state, world.happened]).to.deep.equal(['restarting', ['restart']]);
  });
});

describe('settings as a Mac is given them', () => {
  it('patchoo:SO-05 the schema in docs takes d3’s own example with every setting, and no value that is none', async () => {
    const read = (file: string) => JSON.parse(readFileSync(path.join(repository, file), 'utf8'));
    const isSettings = new Ajv({ strict: false }).compile(read('schemas/settings.json'));
    const example = read('examples/d3.json');
    expect(isSettings(example), JSON.stringify(isSettings.errors)).to.equal(true);
    for (const provision of [{ lock: true }, { holdPollSeconds: 5 }, { nothing: 'x' }, { icon: 'relative' }])
      expect(isSettings({ ...example, provision }), JSON.stringify(provision)).to.equal(false);
    const guide = readFileSync(path.join(repository, 'docs/provisioning.md'), 'utf8');
    const [, profile = ''] = /```xml\n([^`]+)```/.exec(guide) ?? [];
    const values = plistOf(profile)?.['mcx_preference_settings'];
    expect(isSettings(values), JSON.stringify(isSettings.errors)).to.equal(true);
    expect(values).to.deep.include({ depot: 'https://depot.example.org' });
  });
});

/** The dictionary of a profile with what is managed in it. */
function plistOf(text: string): Record<string, unknown> | undefined {
  const dict = /<key>mcx_preference_settings<\/key>\s*(<dict>[\s\S]*<\/dict>)/.exec(text)?.[1];
  return dict === undefined ? undefined : { mcx_preference_settings: valueOf(dict.match(/<[^>]+>|[^<]+/g) ?? []) };
}

/** One value of the tokens of a property list: as much of it as the example has. */
function valueOf(tokens: string[]): unknown {
  const next = () => tokens.shift() as string;
  const skip = () => {
    while (/^\s*$/.test(tokens[0] as string)) next();
  };
  const inside = () => {
    const text = next();
    next();
    return text;
  };
  const value = (): unknown => {
    skip();
    const tag = next();
    if (tag === '<string>') return inside();
    if (tag === '<integer>') return Number(inside());
    const list: unknown[] = [];
    const dict: Record<string, unknown> = {};
    for (skip(); !(tokens[0] as string).startsWith('</'); skip()) {
      if (tag === '<array>') list.push(value());
      else {
        next();
        const key = inside();
        dict[key] = value();
      }
    }
    next();
    return tag === '<array>' ? list : dict;
  };
  return value();
}

describe('what was wrong in patchoo, on a machine', function () {
  this.timeout(240_000);
  let sandbox: Sandbox;
  let root: string;
  before(() => withOwnPluginSettings());
  after(() => withoutPluginSettings());
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    root = sandbox.machine('mac-a', { serial: 'C02A', boot: 'one' }).root;
    mkdirSync(path.join(root, 'etc'), { recursive: true });
  });
  afterEach(() => sandbox.remove());

  const configure = (provision: object) => writeFileSync(path.join(root, 'etc/d3.json'), JSON.stringify({ provision }));

  it('patchoo:D-15 yes and no are what is meant by them; anything else is refused, and nothing is forced by it', async () => {
    const { paths } = sandbox.machine('mac-a', { serial: 'C02A', boot: 'one' }).machine;
    for (const lock of ['yes', 'no']) {
      configure({ lock });
      expect((await loadPluginSettings(paths, '@d3/plugin-patchoo-deploy'))['provision.lock']).to.equal(lock);
    }
    for (const lock of [false, 'false', '', 0]) {
      configure({ lock });
      const { exitCode: exit } = await problemsOf(loadPluginSettings(paths, '@d3/plugin-patchoo-deploy'));
      expect(exit, JSON.stringify(lock)).to.equal(2);
    }
  });

  it('patchoo:D-21 patchoo:SQ-01 patchoo:IN-09 patchoo:IN-11 leaves nothing where others can write, and no secret in what a trace says', async () => {
    const temporary = path.join(sandbox.dir, 'temporary');
    mkdirSync(temporary);
    writeFileSync(path.join(root, 'etc/hook'), 'https://127.0.0.1:9/T0P-SECRET\n', { mode: 0o600 });
    configure({ webhookFile: '/etc/hook', contact: 'desk' });
    const env = { D3_ROOT: root, D3_DEPOT: sandbox.depot, TMPDIR: temporary, D3_FLAG_DEBUG: 'y' };
    const run = (...words: string[]) => d3(words, { cwd: sandbox.dir, env });
    const begun = await run('provision', 'setup');
    const held = await run('provision', 'run', '--no-wait');
    expect([begun.code, held.code], held.stderr).to.deep.equal([0, 43]);
    expect(held.stderr, 'it was tried').to.match(/the webhook could not be told: 127.0.0.1/);
    expect([begun.stdout, begun.stderr, held.stdout, held.stderr].join('\n')).not.to.include('T0P-SECRET');
    expect(readdirSync(temporary)).to.deep.equal([]);
    const open = readdirSync(root, { recursive: true, withFileTypes: true })
      .map((entry) => path.join(entry.parentPath, entry.name))
      .filter((file) => (statSync(file).mode & 0o022) !== 0);
    expect(open).to.deep.equal([]);
  });
});
