import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { D3Error } from '@d3/sdk';
import { expect } from 'chai';
import { appInfo, becameFrontmost, type Recording } from '../../../test/recorded/mac.ts';
import { recorded } from '../../../test/support/recorded.ts';
import type { FrontSource } from '../src/repoman/front.ts';
import { InOrder } from '../src/repoman/front.ts';
import { appIn, macFront, pathInLine, pathsInInfo } from '../src/repoman/mac.ts';
import { activeWindow, pathsOfProcess, processOfWindow, x11 } from '../src/repoman/x11.ts';

const EDIT = '/System/Applications/TextEdit.app';
const MAIL = '/Applications/Mail, but\nours.app';
const INFO = ['info', '-only', 'executablepath', '-only', 'bundlepath'];
const FAILS = { stderr: 'not today\n', code: 3 };

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'd3-front-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Watches until so many changes were told, or it ends. */
async function told(source: FrontSource, changes: number): Promise<string[][]> {
  const end = new AbortController();
  const found: string[][] = [];
  await source.watch((paths) => {
    found.push([...paths]);
    if (found.length === changes) end.abort();
  }, end.signal);
  return found;
}

async function failure(source: FrontSource): Promise<D3Error> {
  const thrown: unknown = await told(source, 99).catch((error: unknown) => error);
  if (!(thrown instanceof D3Error)) throw new Error(`no error: ${String(thrown)}`);
  return thrown;
}

describe('depot3:H02 which app is in front on a Mac', () => {
  const listen = (lines: string): Recording => ({
    args: ['listen', '+becameFrontmost', 'forever'],
    does: `cat <<'END'\n${lines}END\nexec sleep 30`,
  });
  const info = (asn: string, bundle: string, name: string): Recording => ({
    args: [...INFO, asn],
    stdout: appInfo(`${bundle}/Contents/MacOS/${name}`, bundle),
  });
  const front = (asn: string): Recording => ({ args: ['front'], stdout: `${asn}\n` });
  const script = (does: string): Recording => ({ args: ['-l', 'JavaScript', '-e', '*'], does });

  function mac(lsappinfo: Recording[], osascript: Recording[] = []) {
    const { programs, calls } = recorded(dir, { lsappinfo, osascript });
    let elapsed = 0;
    // Whatever ends, ends at once; each look at the time is a second later.
    const ticks = () => (elapsed += 1000);
    return { source: macFront({ programs, failsWithin: 10_000, ticks }), calls };
  }

  it('is told by lsappinfo, first what is there and then every change, each app looked up once', async () => {
    const lines = [
      becameFrontmost('ASN:0x0-0xa40a4:', 'TextEdit'),
      'Notification: kLSNotifyApplicationLaunched "LSASN"=ASN:0x0-0x1:\n',
      becameFrontmost('ASN:0x0-0xb20b2:', 'Mail'),
      becameFrontmost('ASN:0x0-0xa40a4:', 'TextEdit'),
    ];
    const { source, calls } = mac([
      front('ASN:0x0-0xb20b2:'),
      info('ASN:0x0-0xa40a4:', EDIT, 'TextEdit'),
      info('ASN:0x0-0xb20b2:', MAIL, 'Mail'),
      listen(lines.join('')),
    ]);
    const [edit, mail] = [`${EDIT}/Contents/MacOS/TextEdit`, `${MAIL}/Contents/MacOS/Mail`];
    expect(await told(source, 4)).to.deep.equal([[mail], [edit], [mail], [edit]]);
    expect(calls().filter((call) => call.startsWith('lsappinfo info'))).to.have.length(2);
  });

  it('an app that cannot be looked up is none, and nobody in front is no error', async () => {
    const { source } = mac([
      front('[ NULL ]'),
      { args: [...INFO, 'ASN:0x0-0x9:'], ...FAILS },
      listen(becameFrontmost('ASN:0x0-0x9:', 'gone')),
    ]);
    expect(await told(source, 2)).to.deep.equal([[], []]);
  });

  it('is told by a script where lsappinfo cannot', async () => {
    const { source, calls } = mac(
      [
        { args: ['front'], ...FAILS },
        { args: ['listen', '+becameFrontmost', 'forever'], ...FAILS },
      ],
      [script(`printf '%s\\n' '"${EDIT}/Contents/MacOS/TextEdit"' 'no JSON' '"relative"' '"/a\\nb"'; exec sleep 30`)],
    );
    const found = await told(source, 3);
    expect(found.filter((paths) => paths.length > 0)).to.deep.equal([[`${EDIT}/Contents/MacOS/TextEdit`], ['/a\nb']]);
    expect(calls().some((call) => call.startsWith('osascript -l JavaScript'))).to.equal(true);
  });

  it('is given up with what both said where neither can', async () => {
    const { source } = mac(
      [{ args: ['listen', '+becameFrontmost', 'forever'], ...FAILS }],
      [{ args: ['-l', 'JavaScript', '-e', '*'], ...FAILS }],
    );
    const { code, exit, actions } = await failure(source);
    expect([code, exit]).to.deep.equal(['FRONT_UNKNOWN', 'failed']);
    expect(actions.join()).to.match(/lsappinfo: not today.*osascript: not today/);
    const none = macFront({
      programs: { lsappinfo: '/nonexistent/l', osascript: '/nonexistent/o' },
      failsWithin: 10_000,
      ticks: () => 0,
    });
    expect((await failure(none)).actions.join()).to.match(/ENOENT.*ENOENT/);
  });

  it('is asked for again where lsappinfo ended after a while', async () => {
    const once = {
      args: ['listen', '+becameFrontmost', 'forever'],
      stdout: becameFrontmost('ASN:0x0-0xa40a4:', 'TextEdit'),
    };
    const { programs, calls } = recorded(dir, {
      lsappinfo: [info('ASN:0x0-0xa40a4:', EDIT, 'TextEdit'), once],
      osascript: [],
    });
    let elapsed = 0;
    const source = macFront({ programs, failsWithin: 10, ticks: () => (elapsed += 100) });
    expect((await told(source, 4)).flat()).to.include(`${EDIT}/Contents/MacOS/TextEdit`);
    expect(calls().filter((call) => call.includes('listen')).length).to.be.greaterThan(1);
  });

  it('is read from what the programs say, whatever that is', () => {
    expect(appIn(becameFrontmost('ASN:0x0-0xa40a4:', 'x'))).to.equal('ASN:0x0-0xa40a4:');
    expect(appIn('ASN:0x0-0x1b01b: \n')).to.equal('ASN:0x0-0x1b01b:');
    expect(['', '[ NULL ]', 'ASN:0x0-0x0:', 'ASN:', 'ASN:0x0; rm -rf /'].map(appIn)).to.deep.equal([
      null,
      null,
      null,
      null,
      null,
    ]);
    expect(pathsInInfo(appInfo('/A "b".app/Contents/MacOS/b', '/A "b".app'))).to.deep.equal([
      '/A "b".app/Contents/MacOS/b',
    ]);
    expect(pathsInInfo('"CFBundleExecutablePath"=[ NULL ]\n"LSBundlePath"="/A.app"\n')).to.deep.equal(['/A.app']);
    expect(pathsInInfo('"LSBundlePath"="/A.app"\n"CFBundleExecutablePath"="/A.app/x"\n')).to.deep.equal(['/A.app/x']);
    expect(['', 'nothing', '"LSBundlePath"="relative"'].map(pathsInInfo)).to.deep.equal([[], [], []]);
    expect(['{}', '1', '', '"a"', '"/a"'].map(pathInLine)).to.deep.equal([null, null, null, null, '/a']);
  });
});

describe('depot3:H02 which app is in front under X11', () => {
  const spy = (lines: string[], then: string): Recording => ({
    args: ['-root', '-spy', '_NET_ACTIVE_WINDOW'],
    does: `printf '%s\\n' ${lines.map((line) => `'${line}'`).join(' ')}\n${then}`,
  });
  const active = (id: string) => `_NET_ACTIVE_WINDOW(WINDOW): window id # ${id}`;
  const window = (id: string, said: string, code = 0): Recording => ({
    args: ['-id', id, '_NET_WM_PID', 'WM_CLIENT_MACHINE'],
    stdout: said,
    code,
  });
  const of = (pid: number, machine = 'here') =>
    `_NET_WM_PID(CARDINAL) = ${pid}\nWM_CLIENT_MACHINE(STRING) = "${machine}"\n`;

  function session(recordings: Recording[], env: Record<string, string> = { DISPLAY: ':5' }): FrontSource {
    const { programs } = recorded(dir, { xprop: recordings });
    return x11({ xprop: programs.xprop, env, proc: path.join(dir, 'proc'), machine: 'here' });
  }
  function running(pid: number, exe: string | null, ...words: string[]): void {
    const own = path.join(dir, 'proc', String(pid));
    mkdirSync(own, { recursive: true });
    if (exe !== null) symlinkSync(exe, path.join(own, 'exe'));
    writeFileSync(path.join(own, 'cmdline'), words.map((word) => `${word}\0`).join(''));
  }

  it('is told by xprop: nobody between two windows, the same one twice, windows of nobody and of elsewhere', async () => {
    running(11, '/opt/one/app', '/opt/one/app');
    running(12, '/opt/two/app, of\nmine (deleted)', 'app');
    const source = session([
      window('0x600003', of(11)),
      window('0x800001', of(12)),
      window('0xa00001', '_NET_WM_PID:  not found.\nWM_CLIENT_MACHINE:  not found.\n'),
      window('0xb00001', of(11, 'elsewhere')),
      window('0xc00001', of(999)),
      window('0xd00001', 'gone', 1),
      spy(
        ['0x600003', '0x600003, 0x0', '0x0', '0x800001', '0xa00001', '0xb00001', '0xc00001', '0xd00001']
          .map(active)
          .concat('garbage'),
        'exec sleep 30',
      ),
    ]);
    expect(await told(source, 7)).to.deep.equal([['/opt/one/app'], [], ['/opt/two/app, of\nmine'], [], [], [], []]);
  });

  it('ends with the session, once all that was seen is told', async () => {
    running(11, '/opt/one/app', 'app');
    const source = session([
      window('0x600003', of(11)),
      spy([active('0x600003')], 'echo "X connection to :5 broken" >&2; exit 1'),
    ]);
    expect(await told(source, 9)).to.deep.equal([['/opt/one/app']]);
  });

  it('waits for a window manager that comes later', async () => {
    const source = session([spy(['_NET_ACTIVE_WINDOW:  not found.', active('0x0'), active('0x1')], 'exec sleep 30')]);
    expect(await told(source, 2)).to.deep.equal([[], []]);
  });

  it('is refused under Wayland and without a display, and failed without xprop or an answer, each in words', async () => {
    const wayland = [
      { DISPLAY: ':0', WAYLAND_DISPLAY: 'wayland-0' },
      { DISPLAY: ':0', XDG_SESSION_TYPE: 'wayland' },
    ];
    for (const env of wayland) {
      expect(() => session([], env))
        .to.throw(D3Error, /Wayland/)
        .that.includes({ exit: 'refused', code: 'WAYLAND' });
    }
    expect(() => session([], {}))
      .to.throw(D3Error, /DISPLAY/)
      .that.includes({ exit: 'refused' });
    const silent = await failure(session([spy([], 'echo "xprop:  unable to open display :5." >&2; exit 1')]));
    expect([silent.exit, silent.message]).to.deep.equal([
      'failed',
      'The display :5 does not answer: xprop:  unable to open display :5.',
    ]);
    const none = await failure(
      x11({ xprop: '/nonexistent/xprop', env: { DISPLAY: ':5' }, proc: dir, machine: 'here' }),
    );
    expect(none.actions.join()).to.include('x11-utils');
  });

  it('knows a process by its executable, by what it was called as and by its script, and by no document', () => {
    const script = path.join(dir, 'script');
    const letter = path.join(dir, 'letter');
    writeFileSync(script, '#!/usr/bin/wish\n');
    writeFileSync(letter, 'Dear Susie');
    running(1, '/usr/bin/python3.11', '/usr/bin/python3', script);
    running(2, '/usr/bin/evince', 'evince', letter);
    running(3, null, '/usr/sbin/synaptic');
    const paths = [1, 2, 3, 4].map((pid) => pathsOfProcess(path.join(dir, 'proc'), pid));
    expect(paths).to.deep.equal([
      ['/usr/bin/python3.11', '/usr/bin/python3', script],
      ['/usr/bin/evince'],
      ['/usr/sbin/synaptic'],
      [],
    ]);
  });

  it('is read from what xprop says, whatever that is', () => {
    expect(activeWindow('_NET_ACTIVE_WINDOW(WINDOW): window id # 0x600003, 0x0')).to.equal('0x600003');
    expect(
      ['', 'x', '_NET_ACTIVE_WINDOW(WINDOW): window id # 0xzz', '_NET_OTHER(WINDOW): window id # 0x1'].map(
        activeWindow,
      ),
    ).to.deep.equal([null, null, null, null]);
    expect(
      ['_NET_WM_PID(CARDINAL) = 0', '_NET_WM_PID(CARDINAL) = -1', '_NET_WM_PID(CARDINAL) = 1; rm'].map((said) =>
        processOfWindow(said, 'here'),
      ),
    ).to.deep.equal([null, null, null]);
  });
});

describe('what is looked up', () => {
  it('is told in the order it was asked, and of a flood the newest', async () => {
    const order = new InOrder();
    const done: number[] = [];
    for (let at = 0; at < 1000; at += 1) {
      order.add(async () => {
        await new Promise((resolve) => setTimeout(resolve, at % 3));
        done.push(at);
        if (at === 2) throw new Error('one failed');
      });
    }
    await order.settled();
    expect(done).to.deep.equal([...Array.from({ length: 20 }, (_, at) => at), 999]);
  });
});
