import { execFileSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { QUICK, ScreenMachine, until, VIEW } from './machine.ts';

/** Debian's. */
const XVFB = '/usr/bin/Xvfb';
const CHROMIUM = '/usr/bin/chromium';

/** Chromium on an X server of its own, with Debian's Xvfb in the place of Xorg: a container has no graphics card. */
describe('the screen of a Linux machine that nobody is logged in to', () => {
  let machine: ScreenMachine;
  beforeEach(() => {
    machine = new ScreenMachine();
    // Nobody has to get through to what is theirs, as they do below /tmp.
    for (const folder of [machine.folder, path.join(machine.folder, 'tmp')]) chmodSync(folder, 0o711);
    machine.programs.xServer = { program: XVFB, words: ['-screen', '0', '1280x720x24'], config: null };
    // Its own walls need a kernel that lets nobody build them, which a container's may not.
    machine.programs.browsers = [{ program: CHROMIUM, kind: 'chromium', extra: ['--no-sandbox', '--disable-gpu'] }];
  });
  afterEach(async () => {
    expect(await machine.remove(), 'private folders left behind').to.deep.equal([]);
  });

  const screen = () => machine.screen({ platform: 'linux', ways: ['page', 'kiosk'], timing: { ...QUICK, up: 60_000 } });
  const processes = () =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => {
        try {
          const words = readFileSync(`/proc/${name}/cmdline`, 'latin1').split('\0');
          return words.some((word) => word.includes('/d3-show-'))
            ? [{ pid: name, uid: statSync(`/proc/${name}`).uid, words }]
            : [];
        } catch {
          return [];
        }
      });

  it('patchoo:BS-18 is locked by a page on an X server of its own, whose browser is nobody’s and fills it, and goes whole', async () => {
    const lock = await screen();
    lock.lock(VIEW, null);
    await lock.settled();
    expect([lock.way(), lock.failed()]).to.deep.equal([
      'kiosk',
      [{ way: 'page', reason: 'nobody can say who is logged in: loginctl does not answer' }],
    ]);
    const running = processes();
    const server = running.find(({ words }) => words[0] === XVFB);
    const browser = running.find(({ words }) => words.includes('--kiosk'));
    expect([server?.uid, browser?.uid]).to.deep.equal([0, 65_534]);
    // Neither the page's address nor the display's secret is on a command line.
    expect(JSON.stringify(running)).to.not.match(/127\.0\.0\.1|cookie/i);
    const environment = Object.fromEntries(
      readFileSync(`/proc/${browser?.pid}/environ`, 'latin1')
        .split('\0')
        .map((entry) => entry.split('=') as [string, string]),
    );
    // Whatever it leaves when it is ended goes with its folder.
    expect(environment['TMPDIR']).to.contain('/d3-show-');
    const env = { DISPLAY: environment['DISPLAY'], XAUTHORITY: environment['XAUTHORITY'] } as Record<string, string>;
    const tree = () => execFileSync('/usr/bin/xwininfo', ['-root', '-tree'], { env, encoding: 'utf8' });
    // Chromium leaves the last pixel out, lest a window manager takes it for something else. There is nothing behind it.
    await until(
      'the window fills the screen',
      () => /Mac is provisioning.* (?:1280|1279)x(?:720|719)\+0\+0 /.test(tree()),
      20_000,
    );
    // Nobody else gets at that display.
    expect(() =>
      execFileSync('/usr/bin/xwininfo', ['-root'], { env: { DISPLAY: env['DISPLAY'] as string }, stdio: 'pipe' }),
    ).to.throw();
    await lock.close();
    await until('all of it is gone', () => processes().length === 0);
  });

  it('patchoo:BS-27 comes again when its X server is ended', async () => {
    const lock = await machine.screen({
      platform: 'linux',
      ways: ['kiosk'],
      timing: { ...QUICK, up: 60_000, steady: 0 },
    });
    lock.lock(VIEW, null);
    await lock.settled();
    const before = processes().find(({ words }) => words[0] === XVFB)?.pid;
    process.kill(Number(before), 'SIGKILL');
    await until(
      'another X server',
      () => lock.way() === 'kiosk' && processes().some(({ pid, words }) => words[0] === XVFB && pid !== before),
      60_000,
    );
  });
});
