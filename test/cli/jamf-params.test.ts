import { readFileSync } from 'node:fs';
import path from 'node:path';
import { D3Error } from '@d3/sdk';
import { expect } from 'chai';
import { commandOfJamfParams } from '../../src/jamf-params.ts';
import { Sandbox } from '../support/sandbox.ts';
import { d3, repository } from './spawn.ts';

const FIRST = ['/', 'Studio Mac', 'sally'];
const read = (...words: string[]) => commandOfJamfParams([...FIRST, ...words]).join(' ');

describe('the parameters of a policy of Jamf Pro', () => {
  const modes: readonly [mode: string, command: string][] = [
    ['--deploysetup', 'provision setup'],
    ['--bootstrapsetup', 'provision setup --mode update-only'],
    ['--bootstrap', 'provision run --no-wait'],
    ['--bootstraphelper', 'provision lock'],
    ['--patchoostart', 'sync'],
    ['--checkupdatess', 'sync'],
    ['--remind', 'puppytime tell'],
    ['--promptinstall', 'puppytime run'],
    ['--promptinstallss', 'puppytime run'],
    ['--startup', 'run resume --all'],
  ];
  for (const [mode, command] of modes) {
    it(`patchoo:IN-01 patchoo:DS-02 ${mode} is d3 ${command}, with or without words nobody uses`, () => {
      expect(read(mode)).to.equal(command);
      expect(read(mode, '', "''", '""', '', '', '', '')).to.equal(command);
      expect(commandOfJamfParams(['--spawned', '', '', mode]).join(' ')).to.equal(command);
    });
  }

  it('patchoo:IN-01 patchoo:DG-03 patchoo:D-26 --deploygroup names policies and events in order; blank ones and two quotes are nothing', () => {
    expect(
      commandOfJamfParams([...FIRST, '--deploygroup', 'Install Fonts', "''", 'printers', '""', ' ', '-x', '“”']),
    ).to.deep.equal(['provision', 'group', '--', 'Install Fonts', 'printers', '-x']);
    expect(() => read('--deploygroup', "''", '')).to.throw(D3Error, /nothing is named in parameters 5 to 11/);
  });

  it('patchoo:IN-01 what is not there any more says why, and what is there in its place', () => {
    const next: [mode: string, words: RegExp][] = [
      ['--checkasu', /declarative/],
      ['--cache', /d3admin add/],
      ['--logout', /d3 puppytime run/],
    ];
    for (const [mode, words] of next) {
      try {
        read(mode, 'x');
        expect.fail(mode);
      } catch (error) {
        expect(error, mode).to.be.instanceOf(D3Error);
        const { exitCode, actions, target } = error as D3Error;
        expect([exitCode, target]).to.deep.equal([2, mode]);
        expect(actions.join()).to.match(words);
      }
    }
  });

  it('patchoo:IN-02 patchoo:D-29 an unknown mode, or none, is an error of usage', () => {
    for (const words of [['--deploy'], ['deploysetup'], [''], ["''"], []])
      expect(() => read(...words), words.join()).to.throw(D3Error, /no such mode|says no mode/);
    expect(() => commandOfJamfParams([])).to.throw(D3Error);
  });

  it('patchoo:IN-01 every mode of the guide for whoever comes from patchoo is what is done', () => {
    const guide = readFileSync(path.join(repository, 'docs/from-patchoo.md'), 'utf8');
    const rows = [...guide.matchAll(/^\| `(--[a-z]+)` \| `d3 ([^`]+)` \|/gm)].map(([, mode, command]) => [
      mode,
      command,
    ]);
    expect(rows).to.deep.equal([...modes, ['--deploygroup', 'provision group WORD…']]);
  });
});

/** The names of all settings and texts of patchoo's script, as its documentation has them. */
const VARIABLES =
  `name version apiuser apipass selfsignedjsscert datafolder pkgdatafolder prefs cdialog installcdttrigger jamfhelper jamf_binary
logto log lockscreenlogo iconsize dialogtimeout defermode defaultdeferthresold nastymode blockingappmode defaultblockappthreshold blockingapps
jssgroup patchooswreleasemode updatetrigger patchooasureleasemode asureleasecatalog pdusebuildea pdusesites pdusedepts pdusebuildings
pdsetcomputername pdbuildea pdpromptprovisioninfo pdapiadminname pdapiadminpass pddeployreceipt msgtitlenewsoft msgnewsoftware msginstalllater
msgnewsoftforced msgbootstrap msgbootstapdeployholdingpattern msgpatchoodeploywelcome msgshortfwwarn msgshortoswarn msgfirmwarewarning
msgosupgradewarning`.split(/\s+/);

describe('the guide for whoever comes from patchoo', () => {
  const guide = readFileSync(path.join(repository, 'docs/from-patchoo.md'), 'utf8');
  const reference = readFileSync(path.join(repository, 'docs/reference.md'), 'utf8');
  const rows = [...guide.matchAll(/^\| (`[^|]+) \| ([^|]+) \|$/gm)].map(([, was = '', is = '']) => ({ was, is }));

  it('patchoo:SO-06 has every variable of its script: with settings that are there, or with why it was dropped', () => {
    for (const name of VARIABLES) {
      const row = rows.find(({ was }) => was.includes(`\`${name}\``));
      const keys = [...(row?.is ?? '').matchAll(/`((?:provision|puppytime|http|log)\.[A-Za-z]+)`/g)].map(
        ([, key]) => key,
      );
      expect(keys.length > 0 || row?.is.startsWith('dropped, because '), name).to.equal(true);
      for (const key of keys) expect(reference, `${name}: ${key}`).to.include(`| \`${key}\` |`);
    }
  });

  it('patchoo:UP-01 patchoo:UP-03 patchoo:UP-16 patchoo:EN-13 every row of the session and of the ways in says what does it, or why nothing does', () => {
    const ids = (kind: string, many: number) =>
      Array.from({ length: many }, (_, at) => `${kind}-${String(at + 1).padStart(2, '0')}`);
    for (const id of [...ids('UP', 16), ...ids('EN', 13)])
      expect(guide, id).to.match(new RegExp(`^\\| [^|]*\\b${id}\\b[^|]* \\| [^|]{15,} \\|$`, 'm'));
  });
});

describe('d3 --jamf-params', function () {
  this.timeout(240_000);
  let sandbox: Sandbox;
  let root: string;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    root = sandbox.machine('mac-a', { serial: 'C02A', boot: 'one' }).root;
  });
  afterEach(() => sandbox.remove());
  const run = (...params: string[]) =>
    d3(['--jamf-params', ...params], { cwd: sandbox.dir, env: { D3_ROOT: root, D3_DEPOT: sandbox.depot } });

  it('patchoo:IN-01 patchoo:IN-02 patchoo:IN-03 patchoo:D-29 runs as the policy of before says, and ends with the exit code of what it did', async () => {
    const unknown = await run('/', 'mac', 'sally', '--nonsense');
    expect([unknown.code, unknown.stderr]).to.satisfy(
      ([code, text]: [number, string]) => code === 2 && text.includes('there is no such mode'),
    );
    const begun = await run('/', 'mac', '', '--deploysetup', '', "''");
    expect(begun.code, begun.stderr).to.equal(0);
    const held = await run('/', 'mac', '', '--bootstrap');
    expect(held.code, held.stderr).to.equal(43);
    const absent = await run('/', 'mac', '', '--deploygroup', 'no such policy', '""');
    expect(absent.code, absent.stderr).to.equal(34);
    expect(absent.stdout).to.include('no such policy');
    expect((await run('/', 'mac', '', '--patchoostart')).code).to.equal(0);
  });
});
