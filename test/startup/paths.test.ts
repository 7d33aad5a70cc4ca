import { expect } from 'chai';
import { programPaths } from '../../src/platform/paths.ts';

describe('where d3 keeps what is its own', () => {
  const rows: [
    who: string,
    env: Record<string, string>,
    NodeJS.Platform,
    uid: number,
    plugins: string,
    cache: string,
  ][] = [
    ['sally', {}, 'linux', 1000, '/home/sally/.local/share/d3', '/home/sally/.cache/d3/compile'],
    ['sally', {}, 'darwin', 1000, '/home/sally/.local/share/d3', '/home/sally/Library/Caches/d3/compile'],
    [
      'sally with other places',
      { XDG_DATA_HOME: '/data', XDG_CACHE_HOME: '/cache' },
      'linux',
      1000,
      '/data/d3',
      '/cache/d3/compile',
    ],
    [
      'sally with places that are none',
      { XDG_DATA_HOME: 'data', XDG_CACHE_HOME: '' },
      'linux',
      1000,
      '/home/sally/.local/share/d3',
      '/home/sally/.cache/d3/compile',
    ],
    [
      'sally in a script, whose home is a room of its own',
      { D3_RUN: 'run', HOME: '/room/home' },
      'linux',
      1000,
      '/home/sally/.local/share/d3',
      '/home/sally/.cache/d3/compile',
    ],
    [
      'sally elsewhere',
      { HOME: '/elsewhere' },
      'linux',
      1000,
      '/elsewhere/.local/share/d3',
      '/elsewhere/.cache/d3/compile',
    ],
    ['root, with the home of whoever called', {}, 'linux', 0, '/var/lib/d3/plugins', '/var/cache/d3/compile'],
    ['root', {}, 'darwin', 0, '/Library/Application Support/d3/plugins', '/Library/Caches/d3/compile'],
  ];
  for (const [who, env, platform, uid, plugins, compileCache] of rows) {
    it(`${who} on ${platform}`, () => {
      expect(programPaths(env, platform, uid, () => '/home/sally')).to.include({ plugins, compileCache });
    });
  }

  it('an admin’s preferences are in the home of the account, never in that of whoever called root', () => {
    const of = (env: Record<string, string>, uid: number) => programPaths(env, 'linux', uid, () => '/root').preferences;
    expect(of({ HOME: '/home/sally' }, 1000)).to.equal('/home/sally/.config/d3/admin.json');
    expect(of({ HOME: '/home/sally' }, 0)).to.equal('/root/.config/d3/admin.json');
    expect(of({ XDG_CONFIG_HOME: '/xdg' }, 0)).to.equal('/xdg/d3/admin.json');
    expect(of({ XDG_CONFIG_HOME: 'relative', HOME: '/home/sally' }, 1000)).to.equal(
      '/home/sally/.config/d3/admin.json',
    );
  });
});
