import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { completionScript } from '../../src/cli/completion.ts';
import { d3 } from './spawn.ts';

/** What bash offers for lines that are being typed, one after another. */
function offered(script: string, lines: readonly string[]): string[][] {
  const dir = mkdtempSync(path.join(tmpdir(), 'd3-completion-'));
  try {
    const file = path.join(dir, 'script');
    writeFileSync(file, script);
    const each = `source "$1"; shift
for line in "$@"; do
  IFS='|' read -r -a COMP_WORDS <<< "$line"
  case "$line" in *'|') COMP_WORDS+=("") ;; esac
  COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); COMPREPLY=(); _d3; echo "\${COMPREPLY[*]}"
done`;
    // An empty word at the end would be lost on the way.
    const words = lines.map((line) => line.replaceAll(' ', '|'));
    const ended = spawnSync('bash', ['--norc', '--noprofile', '-c', each, 'bash', file, ...words], {
      encoding: 'utf8',
      cwd: dir,
      env: { PATH: '/usr/bin:/bin' },
    });
    expect(ended.stderr).to.equal('');
    return ended.stdout
      .replace(/\n$/, '')
      .split('\n')
      .map((line) => line.split(' ').filter((word) => word !== ''));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

describe('completion', () => {
  const script = completionScript('bash', [
    { words: ['install'], flags: ['--force', '-f', '--freeze'] },
    { words: ['admin', 'group', 'list'], flags: ['--json'] },
    { words: ['admin', 'add'], flags: ['--dmg'] },
    { words: ['plugins'], flags: ['--core'] },
    { words: ['plugins', 'install'], flags: ['--wait'] },
  ]);
  const rows: [line: string, offered: string[]][] = [
    ['d3 ', ['admin', 'install', 'plugins']],
    ['d3 in', ['install']],
    ['d3 install --f', ['--force', '--freeze']],
    ['d3 -q install tool --fo', ['--force']],
    ['d3 admin ', ['add', 'group']],
    ['d3admin ', ['add', 'group']],
    ['/usr/bin/d3admin group ', ['list']],
    ['d3 plugins ', ['install']],
    ['d3 plugins --c', ['--core']],
    ['d3 plugins install --', ['--wait']],
    ['d3 nothing --', []],
    ['d3 install $(touch', []],
  ];
  it('offers what may come next: commands, topics and flags', () => {
    const found = offered(
      script,
      rows.map(([line]) => line),
    );
    expect(rows.map(([line], at) => [line, found[at]])).to.deep.equal(rows);
  });

  it('takes nothing into the script that a shell would run', () => {
    const hostile = completionScript('bash', [
      { words: ["x'; touch /tmp/d3-pwned; '"], flags: [] },
      { words: ['$(touch /tmp/d3-pwned)'], flags: [] },
      { words: ['good'], flags: ["--x'; touch /tmp/d3-pwned; '", '--fine'] },
    ]);
    expect(hostile).to.not.contain('touch');
    expect(offered(hostile, ['d3 good --'])).to.deep.equal([['--fine']]);
  });

  it('d3 autocomplete prints one with the commands there are, for bash and zsh', async function () {
    this.timeout(60_000);
    const bash = await d3(['autocomplete', 'bash']);
    expect(bash).to.deep.include({ code: 0, stderr: '' });
    const [plugins, admin] = offered(bash.stdout, ['d3 plugins ', 'd3admin li']);
    expect(plugins).to.include.members(['create', 'install', 'link', 'list', 'uninstall']);
    expect(admin).to.deep.equal(['live']);
    const zsh = await d3(['autocomplete'], { env: { SHELL: '/bin/zsh' } });
    expect(zsh.stdout).to.contain('bashcompinit').and.contain('complete -o default -F _d3 d3 d3admin');
    expect(spawnSync('bash', ['-n'], { input: zsh.stdout }).status).to.equal(0);
    expect(await d3(['autocomplete'], { env: { SHELL: '/bin/fish' } })).to.deep.include({ code: 2, stdout: '' });
  });

  it('d3 version --verbose tells of plugins and places, and without it of nothing more than before', async function () {
    this.timeout(60_000);
    const short = JSON.parse((await d3(['version', '--json'])).stdout) as { result: object };
    expect(Object.keys(short.result)).to.deep.equal(['version', 'node', 'platform', 'arch']);
    const long = JSON.parse((await d3(['version', '--verbose', '--json'])).stdout) as {
      result: { details: { plugins: { name: string; type: string }[]; paths: Record<string, string>; node: string } };
    };
    const { plugins, paths, node } = long.result.details;
    expect(plugins.map(({ name }) => name)).to.include('@d3/plugin-jamf');
    expect(paths).to.include.keys('d3', 'configuration', 'state', 'plugins');
    expect(node).to.equal(process.execPath);
    const text = await d3(['version', '--verbose']);
    expect(text.stdout)
      .to.match(/^d3 \S+ \(Node/)
      .and.contain('@d3/plugin-scripts')
      .and.contain('compile cache');
  });
});
