import { spawn } from 'node:child_process';
import path from 'node:path';
import { expect } from 'chai';
import { Sandbox } from '../support/sandbox.ts';

const project = path.dirname(path.dirname(import.meta.dirname));

describe('the built d3 on a terminal', () => {
  let sandbox: Sandbox;
  before(async () => {
    sandbox = await Sandbox.make();
    await sandbox.add('tool', '1');
  });
  after(() => sandbox.remove());

  /** Types keys once the question stands, on a pseudo-terminal of its own. */
  function answer(keys: string, words: string): Promise<{ code: number | null; screen: string }> {
    const env = {
      PATH: '/usr/bin:/bin',
      TERM: 'xterm',
      USER: 'sally',
      HOME: sandbox.dir,
      XDG_CACHE_HOME: path.join(sandbox.dir, 'cache'),
      XDG_DATA_HOME: path.join(sandbox.dir, 'data'),
      D3_DEPOT: sandbox.depot,
    };
    return new Promise((resolve) => {
      const child = spawn('script', ['-qec', `${project}/bin/d3admin ${words}`, '/dev/null'], { env, stdio: 'pipe' });
      let screen = '';
      let typed = false;
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        screen += text;
        if (typed || !screen.includes('(y/N)')) return;
        typed = true;
        setTimeout(() => child.stdin.write(keys), 300);
      });
      child.once('close', (code) => resolve({ code, screen }));
    });
  }

  const status = async () => (await sandbox.admin((session) => session.depot.store.editions.list()))[0]?.status;

  for (const [what, keys, code, after] of [
    ['no', 'n\r', 0, 'pilot'],
    ['nothing at all', '\r', 0, 'pilot'],
    ['ctrl-c', '\u0003', 130, 'pilot'],
    ['ctrl-d', '\u0004', 130, 'pilot'],
    ['yes', 'y\r', 0, 'live'],
  ] as const) {
    it(`asks before it makes an edition live, and takes ${what} for what it is`, async () => {
      const ended = await answer(keys, 'live tool-1-1');
      expect(ended.code, ended.screen).to.equal(code);
      expect(await status()).to.equal(after);
    });
  }
});
