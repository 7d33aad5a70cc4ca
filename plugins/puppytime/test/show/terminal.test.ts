import path from 'node:path';
import { expect } from 'chai';
import { Screen } from '../../../../test/support/screen.ts';

const CHILD = path.join(import.meta.dirname, 'terminal-child.ts');

describe('the show in a terminal', () => {
  let screen: Screen | undefined;
  const open = (...words: string[]) => {
    screen = new Screen([process.execPath, ...process.execArgv, CHILD, ...words], {
      cwd: import.meta.dirname,
      env: { ...(process.env as Record<string, string>), TERM: 'xterm-256color' },
    });
    return screen;
  };
  afterEach(() => screen?.close());

  it('depot3:I05 says what is installed and how far it is, over one another, and leaves the end standing', async () => {
    const screen = open('work');
    await screen.sees('installing driver-2-1');
    await screen.sees(/\[#{10}\.{20}\] 1 of 3/);
    await screen.sees('way: terminal');
    expect(screen.text).to.include('Everything is installed.');
    expect(screen.text.match(/installing/g) ?? [], 'what is past is drawn over').to.have.length(0);
  });

  for (const [typed, answer] of [
    ['\r', 'continue'],
    ['l\r', 'postpone'],
    ['L\r', 'postpone'],
    ['\u0003', 'postpone'],
  ] as const)
    it(`depot3:I06 asks, and takes ${JSON.stringify(typed)} as ${answer}`, async () => {
      const screen = open('ask', '30');
      await screen.sees('Install [31mnow ?');
      await screen.sees('It takes ten minutes.');
      await screen.sees(/It begins in (?:30|29|28) seconds\. Return: Install now\. l and return: Later\./);
      await screen.type(typed);
      await screen.sees(`answer: ${answer}`);
    });

  it('depot3:I06 a question that answers itself with later begins by a letter only', async () => {
    for (const [typed, answer] of [
      ['\r', 'postpone'],
      ['\u0003', 'postpone'],
      ['i\r', 'continue'],
    ] as const) {
      const asking = open('ask', '30', 'postpone');
      await asking.sees('Return: Later. i and return: Install now.');
      await asking.type(typed);
      await asking.sees(`answer: ${answer}`);
      asking.close();
    }
    await open('ask', '2', 'postpone').sees('answer: postpone');
  });

  it('depot3:I06 counts down, and goes on by itself', async () => {
    const screen = open('ask', '3');
    await screen.sees('It begins in 1 second.');
    await screen.sees('answer: continue');
  });
});
