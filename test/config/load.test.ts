import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { loadSettings } from '../../src/config/layers.ts';
import { DEFAULT_SETTINGS, SETTING_DEFINITIONS, valuesIn } from '../../src/config/settings.ts';
import { machinePaths } from '../../src/platform/paths.ts';
import { problemsOf } from '../support/errors.ts';

/** Each line ten times the one before. */
const LAUGHS = `a0: &a0 [x]\n${Array.from({ length: 9 }, (_, n) => `a${n + 1}: &a${n + 1} [${Array(10).fill(`*a${n}`).join()}]\n`).join('')}`;

describe('the configuration of a machine', () => {
  let root: string;
  const at = (name: string) => path.join(root, 'etc', name);
  const load = () => loadSettings(machinePaths(root, process.platform));
  beforeEach(() => {
    root = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'd3-config-')));
    mkdirSync(path.join(root, 'etc'), { mode: 0o755 });
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('need not be there, and may be empty', async () => {
    expect(await load()).to.deep.equal(DEFAULT_SETTINGS);
    writeFileSync(at('d3.yaml'), '');
    expect(await load()).to.deep.equal(DEFAULT_SETTINGS);
    rmSync(path.join(root, 'etc'), { recursive: true });
    expect(await load()).to.deep.equal(DEFAULT_SETTINGS);
  });

  it('is the first of d3.json, d3.yaml and d3.yml, whole', async () => {
    writeFileSync(at('d3.yml'), 'admin: yml\ndepot: /somewhere\n');
    expect(await load()).to.deep.equal({ ...DEFAULT_SETTINGS, admin: 'yml', depot: '/somewhere' });
    writeFileSync(at('d3.yaml'), 'admin: yaml\n');
    expect((await load()).admin).to.equal('yaml');
    writeFileSync(at('d3.json'), '{"admin": "json"}');
    expect(await load()).to.deep.equal({ ...DEFAULT_SETTINGS, admin: 'json' });
  });

  it('sets everything there is to set, nested or dotted', async () => {
    const settings = {
      depot: '/depot',
      admin: 'sally',
      prohibitedAdminNames: ['kiosk'],
      liveScript: 'announce',
      liveClean: 'on',
      liveKeepDeprecated: 2,
      liveKeepLatestPilots: 'yes',
      installRemoveFirst: 'after-gate',
      installSignature: 'signed',
      installTeamIds: ['ABCDE12345'],
      pluginsAllow: ['d3-night@^1', '@acme/*'],
      pluginsRegistry: 'https://npm.example.org/',
      pluginsNotice: 'off',
      syncPilots: 'update',
      processesQuit: 'ask',
      processesNoticeDays: 0,
      httpCredentials: { command: ['/usr/local/bin/secret', 'depot'] },
      httpCa: '/etc/ca.pem',
      databaseUrl: 'postgres://d3@db.example.org/d3',
      databasePassword: { file: '/etc/d3.database' },
      cacheMaxMegabytes: 7,
      logFile: '/var/log/other.log',
      logLevel: 'debug',
      logFormat: 'json',
      logTimestampFormat: '%F',
      logMaxMegabytes: 2,
      logKeep: 0,
      trustRoot: '/etc/d3-root.json',
    };
    const log = {
      file: settings.logFile,
      level: settings.logLevel,
      format: settings.logFormat,
      timestampFormat: settings.logTimestampFormat,
      maxMegabytes: 2,
      keep: 0,
    };
    const http = { credentials: settings.httpCredentials, ca: settings.httpCa };
    const { depot, admin, prohibitedAdminNames } = settings;
    const common = { depot, admin, prohibitedAdminNames };
    writeFileSync(
      at('d3.json'),
      JSON.stringify({
        ...common,
        live: { script: 'announce', clean: 'on', keepDeprecated: 2, keepLatestPilots: 'yes' },
        install: { removeFirst: 'after-gate', signature: 'signed', teamIds: ['ABCDE12345'] },
        plugins: { allow: settings.pluginsAllow, registry: settings.pluginsRegistry, notice: 'off' },
        sync: { pilots: 'update' },
        processes: { quit: 'ask', noticeDays: 0 },
        http,
        database: { url: settings.databaseUrl, password: settings.databasePassword },
        log,
        cache: { maxMegabytes: 7 },
        trust: { root: settings.trustRoot },
      }),
    );
    expect(await load()).to.deep.equal(settings);
    writeFileSync(
      at('d3.json'),
      JSON.stringify({
        ...common,
        'live.script': 'announce',
        'live.clean': 'on',
        'live.keepDeprecated': 2,
        'live.keepLatestPilots': 'yes',
        'install.removeFirst': 'after-gate',
        'install.signature': 'signed',
        'install.teamIds': ['ABCDE12345'],
        'plugins.allow': settings.pluginsAllow,
        'plugins.registry': settings.pluginsRegistry,
        'plugins.notice': 'off',
        'sync.pilots': 'update',
        'processes.quit': 'ask',
        'processes.noticeDays': 0,
        'http.credentials': http.credentials,
        'http.ca': http.ca,
        'trust.root': settings.trustRoot,
        'database.url': settings.databaseUrl,
        'database.password': settings.databasePassword,
        'cache.maxMegabytes': 7,
        ...Object.fromEntries(Object.entries(log).map(([name, value]) => [`log.${name}`, value])),
      }),
    );
    expect(await load()).to.deep.equal(settings);
    expect(Object.keys(DEFAULT_SETTINGS)).to.have.members(SETTING_DEFINITIONS.map(({ key }) => key));
  });

  it('is never code, and never looked for elsewhere', async () => {
    for (const name of ['d3.js', 'd3.config.js', 'd3.mjs', 'd3.ts', '.d3rc', 'package.json'])
      for (const folder of [root, path.join(root, 'etc')])
        writeFileSync(path.join(folder, name), 'throw new Error("ran")');
    const here = process.cwd();
    process.chdir(root);
    try {
      writeFileSync(path.join(root, 'd3.json'), '{"admin": "from the current folder"}');
      expect(await load()).to.deep.equal(DEFAULT_SETTINGS);
    } finally {
      process.chdir(here);
    }
  });

  for (const [what, name, text, why] of [
    ['no JSON', 'd3.json', '{', /cannot be read/],
    ['no YAML', 'd3.yaml', 'a: [', /cannot be read/],
    ['a list', 'd3.yaml', '- a\n', /no list of names and values/],
    ['code in YAML', 'd3.yaml', 'admin: !!js/function "function () {}"\n', /cannot be read|must be a text/],
    ['a number', 'd3.json', '{"admin": 5}', /admin must be a text/],
    ['an empty text', 'd3.json', '{"depot": ""}', /depot must be a text/],
    ['no list', 'd3.json', '{"prohibitedAdminNames": "a"}', /must be a list of texts/],
    ['no choice', 'd3.json', '{"sync": {"pilots": "never"}}', /sync.pilots must be one of hold, update/],
    ['a part of a number', 'd3.json', '{"processes": {"noticeDays": 1.5}}', /must be a whole number from 0 to 36500/],
    ['too large a number', 'd3.json', '{"processes": {"noticeDays": 36501}}', /must be a whole number from 0 to 36500/],
    ['a number as a text', 'd3.json', '{"processes": {"noticeDays": "7"}}', /must be a whole number from 0 to 36500/],
    [
      'two mistakes',
      'd3.json',
      '{"admn": "x", "sync": {"pilot": "hold"}}',
      /admn is no setting; did you mean admin.*sync.pilot is no setting; did you mean sync.pilots/,
    ],
    ['an unknown group', 'd3.json', '{"snyc": {}}', /snyc is no setting/],
    ['lines that stand for millions', 'd3.yaml', LAUGHS, /alias/i],
    ['what holds itself', 'd3.yaml', 'admin: &a [*a]\n', /cannot be read|must be a text/],
    ['endless depth in YAML', 'd3.yaml', `admin: ${'['.repeat(400_000)}`, /cannot be read/],
    ['depth in YAML', 'd3.yaml', `admin: ${'['.repeat(30)}${']'.repeat(30)}`, /nested deeper than 20/],
    ['endless depth in JSON', 'd3.json', `{"a":${'['.repeat(400_000)}${']'.repeat(400_000)}}`, /nested deeper than 20/],
    ['more than any configuration has', 'd3.json', `{"admin": "${'x'.repeat(1_100_000)}"}`, /more than the 1048576/],
    ['a hidden name', 'd3.json', '{"__proto__": "x"}', /__proto__ is no setting/],
  ] as const) {
    it(`is refused with ${what} (2), and named`, async () => {
      writeFileSync(at(name), text);
      const { problems, exitCode } = await problemsOf(load());
      expect(exitCode).to.equal(2);
      expect(problems[0]).to.deep.include({ code: 'CONFIG_INVALID', target: at(name) });
      expect(problems[0]?.message).to.match(why);
    });
  }

  for (const name of ['d3.json', 'd3.yaml']) {
    it(`is not waited for when ${name} is a pipe (2)`, async () => {
      execFileSync('mkfifo', ['-m', '600', at(name)]);
      const { problems, exitCode } = await problemsOf(load());
      expect([exitCode, problems[0]?.target]).to.deep.equal([2, at(name)]);
      expect(problems[0]?.message).to.match(/no plain file/);
    });
  }

  describe('is refused (30)', () => {
    const ROOT = process.getuid?.() === 0;
    beforeEach(() => writeFileSync(at('d3.json'), '{"admin": "sally"}', { mode: 0o644 }));

    async function refusal(target: string): Promise<string> {
      const { problems, exitCode } = await problemsOf(load());
      expect(exitCode).to.equal(30);
      expect(problems[0]).to.deep.include({ code: 'CONFIG_UNTRUSTED', target });
      return problems[0]?.message ?? '';
    }

    for (const mode of [0o664, 0o646, 0o666, 0o1666])
      it(`when others may write the file (${mode.toString(8)})`, async () => {
        chmodSync(at('d3.json'), mode);
        expect(await refusal(at('d3.json'))).to.include('others may write it');
      });

    for (const mode of [0o775, 0o757])
      it(`when others may write a folder above it (${mode.toString(8)})`, async () => {
        chmodSync(path.join(root, 'etc'), mode);
        await refusal(path.join(root, 'etc'));
        chmodSync(path.join(root, 'etc'), 0o755);
        chmodSync(root, mode);
        await refusal(root);
      });

    it('but not in a shared folder where only its owner may swap it', async () => {
      chmodSync(path.join(root, 'etc'), 0o1777);
      expect((await load()).admin).to.equal('sally');
    });

    it('when it is a link, to a file or to nowhere', async () => {
      writeFileSync(at('real.json'), '{"admin": "sally"}');
      for (const to of ['real.json', 'nothing.json']) {
        rmSync(at('d3.json'));
        symlinkSync(to, at('d3.json'));
        expect(await refusal(at('d3.json'))).to.include('it is a link');
      }
    });

    it('when others could swap a link on the way to it, or what is above the place it leads to', async () => {
      const outside = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'd3-config-')));
      try {
        const [open, safe] = ['open', 'open/safe'].map((name) => path.join(outside, name)) as [string, string];
        mkdirSync(safe, { recursive: true, mode: 0o755 });
        chmodSync(open, 0o777);
        rmSync(path.join(root, 'etc'), { recursive: true });
        symlinkSync(safe, path.join(root, 'etc'));
        writeFileSync(at('d3.json'), '{"admin": "sally"}', { mode: 0o644 });
        expect(await refusal(open)).to.include('others may write it');
        chmodSync(open, 0o755);
        expect((await load()).admin).to.equal('sally');
        // Now the link itself lies where others could put another.
        const links = path.join(outside, 'links');
        mkdirSync(links);
        chmodSync(links, 0o777);
        symlinkSync(safe, path.join(links, 'etc'));
        rmSync(path.join(root, 'etc'));
        symlinkSync(path.join(links, 'etc'), path.join(root, 'etc'));
        expect(await refusal(links)).to.include('others may write it');
      } finally {
        rmSync(outside, { recursive: true, force: true });
      }
    });

    it('when the file or a folder above it belongs to somebody else', async function () {
      if (!ROOT) this.skip();
      chownSync(at('d3.json'), 12_345, 0);
      expect(await refusal(at('d3.json'))).to.include('its owner is uid 12345');
      chownSync(at('d3.json'), 0, 0);
      chownSync(path.join(root, 'etc'), 12_345, 0);
      await refusal(path.join(root, 'etc'));
    });
  });

  it('tells all its mistakes at once and keeps what is right', () => {
    const { values, problems } = valuesIn({ admin: 'sally', depot: 1, sync: { pilots: 'x' } });
    expect(problems).to.have.length(2);
    expect([...values]).to.deep.equal([['admin', 'sally']]);
  });
});
