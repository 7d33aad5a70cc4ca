import { expect } from 'chai';
import type { ProgramAnswer, ProgramCall } from '../../src/platform/program.ts';
import { setClock } from '../../src/platform/time-service.ts';

const QUIET: ProgramAnswer = {
  code: 0,
  signal: null,
  timedOut: false,
  stdout: '',
  stderr: '',
  cut: false,
  lastLines: [],
};

describe('setting the clock', () => {
  const set = async (
    platform: NodeJS.Platform,
    answers: Readonly<Record<string, Partial<ProgramAnswer> | Error>> = {},
    root = '/',
  ) => {
    const calls: string[] = [];
    const run = async ({ program, args }: ProgramCall) => {
      const call = [program, ...args].join(' ');
      calls.push(call);
      const answer = Object.entries(answers).find(([said]) => call.includes(said))?.[1] ?? {};
      if (answer instanceof Error) throw answer;
      return { ...QUIET, ...answer };
    };
    return { ...(await setClock({ root, platform, run })), calls };
  };

  it('a Mac asks the time server that is set there, or the one it came with', async () => {
    const { calls, ...done } = await set('darwin', {
      '-getnetworktimeserver': { stdout: 'Network Time Server: time.example.org\n' },
    });
    expect(done).to.deep.equal({ set: true, text: 'time.example.org set it' });
    expect(calls).to.deep.equal([
      '/usr/sbin/systemsetup -setusingnetworktime on',
      '/usr/sbin/systemsetup -getnetworktimeserver',
      '/usr/bin/sntp -sS time.example.org',
    ]);
    const odd = await set('darwin', { '-getnetworktimeserver': { stdout: 'Network Time Server: -x; rm -rf /\n' } });
    expect(odd.calls.at(-1)).to.equal('/usr/bin/sntp -sS time.apple.com');
    const away = await set('darwin', { sntp: { code: 1, lastLines: ['Timeout'] } });
    expect([away.set, away.text]).to.deep.equal([false, '/usr/bin/sntp: Timeout']);
  });

  it('Linux has its own service do it, whichever there is, and says whether a server was reached', async () => {
    const synchronised = { 'timedatectl show': { stdout: 'yes\n' }, chronyc: new Error('there is no chronyc') };
    const { calls, ...done } = await set('linux', synchronised);
    expect(done).to.deep.equal({ set: true, text: 'its time service set it' });
    expect(calls).to.deep.equal([
      '/usr/bin/timedatectl set-ntp true',
      '/usr/bin/chronyc makestep',
      '/usr/bin/timedatectl show --property=NTPSynchronized --value',
    ]);
    const away = await set('linux', { 'timedatectl show': { stdout: 'no\n' } });
    expect([away.set, away.text]).to.deep.equal([false, 'its time service reached no server yet']);
    const none = await set('linux', { timedatectl: { code: 1, lastLines: ['NTP not supported'] } });
    expect([none.set, none.text]).to.deep.equal([false, '/usr/bin/timedatectl: NTP not supported']);
  });

  it('a root folder has no clock of its own', async () => {
    expect(await set('linux', {}, '/srv/mac-a')).to.deep.equal({
      set: false,
      text: 'a root folder has the clock of its host',
      calls: [],
    });
  });
});
