import { expect } from 'chai';
import { d3, type Ended } from '../cli/spawn.ts';
import { greeting, type MadePlugin, PluginFolder } from './plugin-folder.ts';

/** What a plugin can do to whoever imports it. */
const BROKEN: Record<string, Pick<MadePlugin, 'files' | 'hooks'>> = {
  'throws when it is imported': { files: { 'commands/bad.js': greeting('bad', 'throw new Error("no good");') } },
  'throws a moment after it was imported': {
    files: { 'commands/bad.js': greeting('bad', 'setTimeout(() => { throw new Error("no good"); }, 5);') },
  },
  'ends the process when it is imported': { files: { 'commands/bad.js': greeting('bad', 'process.exit(0);') } },
  'loops for ever when it is imported': { files: { 'commands/bad.js': greeting('bad', 'for (;;);') } },
  'says no in its init hook': {
    files: { 'init.js': 'export default async function () { this.error("no good", { exit: 9 }); }' },
    hooks: { init: './init.js' },
  },
  'ends the process in its init hook': {
    files: { 'init.js': 'export default async () => process.exit(0);' },
    hooks: { init: './init.js' },
  },
  'throws a moment after its init hook was imported': {
    files: { 'init.js': 'setTimeout(() => { throw new Error("no good"); }, 1);\nexport default async () => {};' },
    hooks: { init: './init.js' },
  },
  'loops for ever in its init hook': {
    files: { 'init.js': 'export default () => { for (;;); };' },
    hooks: { init: './init.js' },
  },
  'is gone': {},
};

/** Found only once a hook runs; loading the plugin is no trouble. */
const ONLY_WHEN_RUN = [
  'says no in its init hook',
  'ends the process in its init hook',
  'loops for ever in its init hook',
];

describe('a plugin that', function () {
  this.timeout(120_000);
  for (const type of ['link', 'user'] as const) {
    for (const [what, made] of Object.entries(BROKEN)) {
      // Installed ones differ in how they are uninstalled only.
      if (type === 'user' && what !== 'throws when it is imported') continue;

      it(`${what} (${type}) leaves help, version, doctor and plugins uninstall working`, async () => {
        const folder = new PluginFolder();
        const run = (...words: string[]) => d3(words, { env: folder.env });
        try {
          folder.add({ name: 'd3-good', type, files: { 'commands/greet.js': greeting('hullo') } });
          const root = folder.add({ name: 'd3-bad', type, ...made });
          if (what === 'is gone') PluginFolder.empty(root);

          const version = await run('--version', '--json');
          expect(envelope(version)).to.deep.include({ command: 'version', exit: 0 });
          const help = await run('help');
          expect(help, help.stderr).to.deep.include({ code: 0 });
          expect(help.stdout).to.contain('Say hullo.');

          const doctor = envelope(await run('doctor', '--json'));
          const problem = (name: string) =>
            (doctor.result as { plugins: { name: string; problem: string | null }[] }).plugins.find(
              (plugin) => plugin.name === name,
            )?.problem;
          expect(problem('d3-good')).to.equal(null);
          if (ONLY_WHEN_RUN.includes(what)) {
            expect(doctor.exit, JSON.stringify(doctor)).to.equal(0);
          } else {
            expect(problem('d3-bad'))
              .to.be.a('string')
              .and.to.match(/no good|did not load|ended the process|ENOENT|find/);
            expect(doctor.exit).to.equal(1);
            expect(doctor.errors[0]?.actions.join()).to.contain('d3 plugins uninstall d3-bad');
          }

          const uninstalled = await run('plugins', 'uninstall', 'd3-bad');
          expect(uninstalled, uninstalled.stderr).to.deep.include({ code: 0 });
          const after = await run('greet');
          expect(after).to.deep.include({ code: 0, stdout: 'hullo\n', stderr: '' });
        } finally {
          folder.remove();
        }
      });
    }
  }

  it('fails in its init hook is named, and does not decide how a command ends', async () => {
    const folder = new PluginFolder();
    try {
      folder.add({ name: 'd3-bad', ...BROKEN['says no in its init hook'] });
      folder.add({ name: 'd3-good', files: { 'commands/greet.js': greeting('hullo') } });
      const ended = await d3(['greet'], { env: folder.env });
      expect(ended).to.deep.include({ code: 0, stdout: 'hullo\n' });
      expect(ended.stderr).to.contain('The plugin d3-bad failed over "init": no good');
    } finally {
      folder.remove();
    }
  });

  it('ends the process or throws behind d3’s back is a failure with one envelope', async () => {
    for (const [what, code] of [
      ['ends the process in its init hook', 'BUG'],
      ['throws a moment after its init hook was imported', 'PLUGIN_FAILED'],
    ] as const) {
      const folder = new PluginFolder();
      try {
        folder.add({ name: 'd3-bad', ...BROKEN[what] });
        const slow = greeting('hullo', 'await new Promise((resolve) => { setTimeout(resolve, 300); });');
        folder.add({ name: 'd3-slow', files: { 'commands/greet.js': slow } });
        const ended = await d3(['greet', '--json'], { env: folder.env });
        const { exit, errors } = envelope(ended);
        expect(exit, what).to.equal(10);
        expect(ended.code, what).to.equal(10);
        expect(errors[0]?.code, what).to.equal(code);
      } finally {
        folder.remove();
      }
    }
  });

  it('was installed is left out in safe mode', async () => {
    const folder = new PluginFolder();
    const run = (words: string[], env = {}) => d3(words, { env: { ...folder.env, ...env } });
    try {
      folder.add({ name: 'd3-good', files: { 'commands/greet.js': greeting('hullo') } });
      expect(await run(['greet'])).to.deep.include({ code: 0 });
      expect(await run(['greet'], { D3_SAFE_MODE: '1' })).to.deep.include({ code: 127 });
      expect(await run(['plugins', 'uninstall', 'd3-good'], { D3_SAFE_MODE: '1' })).to.deep.include({ code: 0 });
      expect(await run(['greet'])).to.deep.include({ code: 127 });
      const doctor = envelope(await run(['doctor', '--json'], { D3_SAFE_MODE: '1' }));
      expect(doctor).to.deep.include({ exit: 0 });
      expect(doctor.result).to.deep.include({ safeMode: true });
    } finally {
      folder.remove();
    }
  });
});

interface Shown {
  command: string;
  exit: number;
  result: unknown;
  errors: { code: string; message: string; actions: string[] }[];
}

function envelope({ stdout, stderr }: Ended): Shown {
  const lines = stdout.trim().split('\n');
  expect(lines, stderr).to.have.lengthOf(1);
  return JSON.parse(lines[0] as string) as Shown;
}
