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
import { expect } from 'chai';
import { changeSetting, requireSound, settingShown, settingsShown } from '../../src/client/configuration.ts';
import { ancestorSettings } from '../../src/config/ancestor.ts';
import { loadPluginSettings, readConfiguration } from '../../src/config/layers.ts';
import { pluginSettings, settingsComeFrom } from '../../src/config/plugin-settings.ts';
import { DEFAULT_SETTINGS, SETTING_DEFINITIONS } from '../../src/config/settings.ts';
import { machinePaths } from '../../src/platform/paths.ts';
import type { ProgramCall } from '../../src/platform/program.ts';
import { repository } from '../cli/spawn.ts';
import { problemsOf } from '../support/errors.ts';
import { withOwnPluginSettings } from '../support/own-plugin-settings.ts';

describe('what is configured', () => {
  let root: string;
  const at = (name: string) => path.join(root, 'etc', name);
  const places = () => machinePaths(root, 'linux');
  const write = (name: string, text: string) => writeFileSync(at(name), text, { mode: 0o644 });
  beforeEach(() => {
    root = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'd3-test-')));
    mkdirSync(path.join(root, 'etc'), { mode: 0o755 });
  });
  afterEach(() => {
    settingsComeFrom(() => []);
    rmSync(root, { recursive: true, force: true });
  });

  it('depot3:K04 comes in layers, the managed one last, and each value knows its file', async () => {
    write('d3.conf', 'log_level: debug\nclient_prohibited_admin_names: kiosk, guest\nlog_file: /var/log/old.log\n');
    write('d3.yaml', 'sync: {pilots: update}\nlog: {level: warn}\n');
    write('d3.managed.json', '{"sync.pilots": "hold"}');
    mkdirSync(at('d3.managed.d'));
    write('d3.managed.d/20.json', '{"admin": "later"}');
    write('d3.managed.d/10.json', '{"admin": "earlier", "log": {"keep": 3}}');
    write('d3.managed.d/README', 'no configuration');
    const configuration = await readConfiguration(places());
    expect(configuration.problems).to.deep.equal([]);
    expect(configuration.settings).to.deep.include({
      syncPilots: 'hold',
      logLevel: 'warn',
      logFile: '/var/log/old.log',
      prohibitedAdminNames: ['kiosk', 'guest'],
      admin: 'later',
      logKeep: 3,
    });
    const from = (name: string) => {
      const { layer, place } = settingShown(name, configuration).origin;
      return [layer, place === null ? null : path.relative(at(''), place)];
    };
    expect(from('sync.pilots')).to.deep.equal(['managed', 'd3.managed.json']);
    expect(from('admin')).to.deep.equal(['managed', 'd3.managed.d/20.json']);
    expect(from('log.level')).to.deep.equal(['file', 'd3.yaml']);
    expect(from('log.file')).to.deep.equal(['ancestor', 'd3.conf']);
    expect(from('install.removeFirst')).to.deep.equal(['default', null]);
    expect(settingsShown(configuration).map(({ name }) => name)).to.deep.equal(
      SETTING_DEFINITIONS.map(({ name }) => name),
    );
  });

  it('depot3:K04 is read from property lists by their own program, in either form', async () => {
    const mac = machinePaths(root, 'darwin');
    const [plist = ''] = mac.managedConfig;
    mkdirSync(path.dirname(plist), { recursive: true });
    writeFileSync(plist, 'bplist00');
    const calls: ProgramCall[] = [];
    const answer = { code: 0, signal: null, timedOut: false, stderr: '', cut: false, lastLines: ['bad'] };
    const read = (stdout: string, code = 0) =>
      readConfiguration(mac, async (call) => {
        calls.push(call);
        return { ...answer, stdout, code };
      });
    expect((await read('{"sync":{"pilots":"update"}}')).settings.syncPilots).to.equal('update');
    expect(calls[0]).to.deep.include({ program: '/usr/bin/plutil', args: ['-convert', 'json', '-o', '-', plist] });
    for (const wrong of [read('', 1), read('no json')])
      expect((await problemsOf(wrong)).problems[0]).to.deep.include({ code: 'CONFIG_INVALID', target: plist });
  });

  it('that is managed must be trusted as the rest', async () => {
    write('d3.managed.json', '{"admin": "x"}');
    chmodSync(at('d3.managed.json'), 0o666);
    expect((await problemsOf(readConfiguration(places()))).exitCode).to.equal(30);
    rmSync(at('d3.managed.json'));
    symlinkSync('/dev/null', at('d3.conf'));
    expect((await problemsOf(readConfiguration(places()))).exitCode).to.equal(30);
  });

  it('depot3:K01 depot3:K02 tells of every key of the ancestor what became of it', () => {
    const all = readFileSync(path.join(import.meta.dirname, 'ancestor-keys.txt'), 'utf8')
      .trim()
      .split('\n');
    const [own, server] = [
      all.filter((line) => line.startsWith('d3 ')),
      all.filter((line) => line.startsWith('server ')),
    ];
    for (const [lines, kind] of [
      [own, 'd3'],
      [server, 'server'],
    ] as const) {
      const text = lines.map((line) => `${line.split(' ')[1]}: ${line.split(' ')[2]}`).join('\n');
      const { values, problems, notes } = ancestorSettings(text, kind);
      expect(problems).to.deep.equal([]);
      expect(values.size + notes.length).to.equal(lines.length);
      expect(notes.join('\n')).to.not.include('was none before');
    }
    expect([own.length, server.length]).to.deep.equal([37, 15]);
  });

  it('takes over what plugins of d3 say they have of it', () => {
    withOwnPluginSettings();
    const lines = [
      'puppy_notification_policy: tell',
      'puppy_notification_frequency: -1',
      'puppy_reboot_policy: 12',
      'puppy_optout_seconds: 60',
      'puppy_optout_text: Now?',
      'puppy_optout_image_path: /a.png',
      'puppy_notify_image_path: /b.png',
      'puppy_slideshow_folder_path: /slides',
      'puppy_display_captions: true',
      'puppy_no_captions_text: woof',
      'puppy_image_size: 250',
      'puppy_title: Woof!',
      'puppy_display_secs: 9',
    ];
    const { values, problems } = ancestorSettings(lines.join('\n'), 'd3');
    expect(problems).to.deep.equal([]);
    expect(
      Object.fromEntries([...values].map(([name, value]) => [name.replace('puppytime.', ''), value])),
    ).to.deep.equal({
      notificationPolicy: 'tell',
      notificationDays: -1,
      rebootPolicy: '12',
      optOutSeconds: 60,
      optOutText: 'Now?',
      optOutImage: '/a.png',
      notificationImage: '/b.png',
      slideshow: '/slides',
      captions: 'yes',
      caption: 'woof',
      imageSize: 250,
      title: 'Woof!',
      slideSeconds: 9,
    });
    expect(ancestorSettings('puppy_display_secs: soon', 'd3').problems).to.have.length(1);
  });

  it('depot3:K01 reads its form: comments, blank lines, the last counts, an empty value unsets', () => {
    const read = (text: string) => Object.fromEntries(ancestorSettings(text, 'd3').values);
    expect(read('# log_level: debug\n\n  log_level :  warn \r\nlog_level: error\n')).to.deep.equal({
      'log.level': 'error',
    });
    expect(read('log_level: warn\nlog_level:\n')).to.deep.equal({});
    expect(read('log_timestamp_format: %Y-%m-%d %H:%M\n')).to.deep.equal({ 'log.timestampFormat': '%Y-%m-%d %H:%M' });
    expect(ancestorSettings('log_level: loud\n__proto__: x\nconstructor: y\n', 'd3')).to.deep.include({
      problems: ['log_level: log.level must be one of debug, info, warn, error, fatal, off'],
    });
    expect(ancestorSettings('__proto__: x\n', 'd3').notes).to.deep.equal([
      '__proto__ is no key of this file, and was none before',
    ]);
  });

  it('depot3:K10 tells all that is wrong at once, each with its file', async () => {
    write('d3.json', '{"admn": "x", "depot": 7}');
    write('d3.managed.json', '{"log": {"keep": -1}}');
    const { problems } = await problemsOf(async () => requireSound(await readConfiguration(places())));
    expect(problems[0]?.message).to.match(
      /did you mean admin\?.*depot must be a text.*log\.keep must be a whole number.*d3\.managed\.json/,
    );
    requireSound(await readConfiguration(machinePaths('/nowhere', 'linux')));
  });

  describe('depot3:K10 is changed', () => {
    const set = (name: string, value: string | null) => changeSetting(name, value, places());
    const now = async () => (await readConfiguration(places())).settings;

    it('depot3:BUG-30 in a file that is made where there is none', async () => {
      rmSync(at(''), { recursive: true });
      expect(await set('sync.pilots', 'update')).to.deep.equal({ file: at('d3.json'), written: 'update' });
      expect(JSON.parse(readFileSync(at('d3.json'), 'utf8'))).to.deep.equal({ sync: { pilots: 'update' } });
      expect(statSync(at('d3.json')).mode & 0o777).to.equal(0o644);
    });

    it('by any kind of value, and back, with the rest of the file as it was', async () => {
      write('d3.json', '{"admin": "sally", "sync.pilots": "update", "log": {"keep": 2}}');
      for (const [name, value] of [
        ['sync.pilots', 'hold'],
        ['prohibitedAdminNames', 'kiosk, guest'],
        ['log.maxMegabytes', '7'],
        ['http.credentials', '/etc/d3.secret'],
        ['http.credentials', '{"command": ["/bin/tell", "x"]}'],
      ] as const)
        await set(name, value);
      expect(await now()).to.deep.equal({
        ...DEFAULT_SETTINGS,
        admin: 'sally',
        logKeep: 2,
        logMaxMegabytes: 7,
        prohibitedAdminNames: ['kiosk', 'guest'],
        httpCredentials: { command: ['/bin/tell', 'x'] },
      });
      await set('log.keep', null);
      await set('cache.maxMegabytes', null);
      expect((await now()).logKeep).to.equal(DEFAULT_SETTINGS.logKeep);
    });

    it('in YAML with its comments kept', async () => {
      write('d3.yaml', '# ours\nadmin: sally # her\nsync:\n  pilots: hold\n');
      await set('sync.pilots', 'update');
      await set('log.keep', '1');
      expect(readFileSync(at('d3.yaml'), 'utf8')).to.equal(
        '# ours\nadmin: sally # her\nsync:\n  pilots: update\nlog:\n  keep: 1\n',
      );
      expect(existsSync(at('d3.json'))).to.equal(false);
    });

    it('never by a name or value that is none, nor where it is managed, nor in a file others may change', async () => {
      write('d3.managed.json', '{"admin": "boss"}');
      const before = '{"log": {"keep": 2}}';
      write('d3.json', before);
      for (const [name, value, exit] of [
        ['log.kep', '1', 34],
        ['log.keep', 'many', 2],
        ['sync.pilots', 'x', 2],
        ['admin', 'sally', 30],
        ['http.credentials', 'sally:secret', 2],
      ] as const)
        expect((await problemsOf(set(name, value))).exitCode, name).to.equal(exit);
      chmodSync(at('d3.json'), 0o666);
      expect((await problemsOf(set('log.keep', '1'))).exitCode).to.equal(30);
      expect(readFileSync(at('d3.json'), 'utf8')).to.equal(before);
    });
  });

  it('depot3:K08 the example that is shipped sets everything there is, and is right', async () => {
    withOwnPluginSettings();
    write('d3.json', readFileSync(path.join(repository, 'examples', 'd3.json'), 'utf8'));
    const { origins, problems } = await readConfiguration(places());
    expect(problems).to.deep.equal([]);
    const all = [...SETTING_DEFINITIONS, ...pluginSettings()].map(({ name }) => name);
    expect([...origins.keys()]).to.have.members(all);
  });

  describe('settings of plugins', () => {
    const declaring = (settings: object) => () => [{ name: '@x/y', pjson: { oclif: { d3: { settings } } } }];
    const days = {
      kind: { from: -1, to: 9 },
      default: 3,
      description: 'days',
      ancestor: 'puppy_notification_frequency',
    };

    it('come in the same layers, with their defaults, and are shown with the rest', async () => {
      settingsComeFrom(declaring({ 'puppytime.days': days }));
      expect(await loadPluginSettings(places(), '@x/y')).to.deep.equal({ 'puppytime.days': 3 });
      write('d3.conf', 'puppy_notification_frequency: -1\n');
      const shown = () => readConfiguration(places()).then((found) => settingShown('puppytime.days', found));
      expect(await shown()).to.deep.include({ value: -1, origin: { layer: 'ancestor', place: at('d3.conf') } });
      write('d3.json', '{"puppytime": {"days": 5}}');
      expect(await loadPluginSettings(places(), '@x/y')).to.deep.equal({ 'puppytime.days': 5 });
      expect(await loadPluginSettings(places(), '@x/other')).to.deep.equal({});
      write('d3.json', '{"puppytime": {"days": 10}}');
      expect((await problemsOf(loadPluginSettings(places(), '@x/y'))).exitCode).to.equal(2);
    });

    it('are no mistake where the plugin is not, as long as it comes with d3; a wrong name is one where it is', async () => {
      write('d3.json', '{"puppytime": {"days": 5}, "nobody": {"knows": 1}}');
      settingsComeFrom(() => []);
      const { problems, notes } = await readConfiguration(places());
      expect(problems.map(({ text }) => text.split(';')[0])).to.deep.equal(['nobody.knows is no setting']);
      expect(notes.map(({ text }) => text)).to.deep.equal([
        'puppytime.days means nothing here: its plugin is not in this d3',
      ]);
      settingsComeFrom(declaring({ 'puppytime.dayz': days }));
      write('d3.json', '{"puppytime": {"days": 5}}');
      const wrong = await readConfiguration(places());
      expect(wrong.problems.map(({ text }) => text)).to.deep.equal([
        'puppytime.days is no setting; did you mean puppytime.dayz?',
      ]);
    });

    it('that are declared in a wrong way are not there', () => {
      settingsComeFrom(declaring({ nodot: days, 'a.b': { kind: 'what', description: 'x' }, 'a.c': { kind: 'text' } }));
      expect(pluginSettings()).to.deep.equal([]);
    });
  });
});
