import { expect } from 'chai';
import * as fc from 'fast-check';
import { networkName, renameComputer } from '../../src/platform/computer-name.ts';
import type { ProgramAnswer, ProgramCall } from '../../src/platform/program.ts';
import { problemsOf } from '../support/errors.ts';

const answer = (code: number): ProgramAnswer => ({
  code,
  signal: null,
  timedOut: false,
  stdout: '',
  stderr: '',
  cut: false,
  lastLines: code === 0 ? [] : ['not now'],
});

describe('the name of a computer', () => {
  const renamed = async (name: string, platform: NodeJS.Platform, code = 0, root = '/') => {
    const calls: ProgramCall[] = [];
    const run = async (call: ProgramCall) => {
      calls.push(call);
      return answer(code);
    };
    const done = await renameComputer(name, { root, platform, run });
    return { done, calls: calls.map(({ program, args }) => [program, ...args]) };
  };

  it('patchoo:CN-06 patchoo:CN-07 patchoo:D-25 is given to a Mac as people read it, and to networks as they can take it', async () => {
    expect((await renamed("Anna's Mac 7", 'darwin')).calls).to.deep.equal([
      ['/usr/sbin/scutil', '--set', 'ComputerName', "Anna's Mac 7"],
      ['/usr/sbin/scutil', '--set', 'LocalHostName', 'Anna-s-Mac-7'],
      ['/usr/sbin/scutil', '--set', 'HostName', 'Anna-s-Mac-7'],
    ]);
    expect((await renamed('Büro 7', 'linux')).calls).to.deep.equal([
      ['/usr/bin/hostnamectl', 'set-hostname', 'Buro-7'],
      ['/usr/bin/hostnamectl', 'set-hostname', '--pretty', '--', 'Büro 7'],
    ]);
    expect((await renamed('部屋', 'darwin')).calls).to.deep.equal([
      ['/usr/sbin/scutil', '--set', 'ComputerName', '部屋'],
    ]);
  });

  it('a root folder is not named, and what a program refuses is said', async () => {
    expect(await renamed('x', 'linux', 0, '/srv/mac-a')).to.deep.equal({ done: false, calls: [] });
    const { problems } = await problemsOf(renamed('x', 'darwin', 1));
    expect(problems.map(({ code, message }) => `${code} ${message}`)).to.deep.equal([
      'RENAME_FAILED The computer was not named x: not now',
    ]);
  });

  it('a name for networks is one that hosts may have, whatever it is made from', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (name) => {
        const made = networkName(name);
        if (made === null) expect(name).not.to.match(/[A-Za-z0-9]/);
        else expect(made).to.match(/^(?!-)[A-Za-z0-9-]{1,63}(?<!-)$/);
      }),
    );
  });
});
