import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Form } from '@d3/show';
import { expect } from 'chai';
import { Screen } from '../../../../test/support/screen.ts';
import { form } from './machine.ts';

const CHILD = path.join(import.meta.dirname, 'terminal-child.ts');

describe('a screen in a terminal', () => {
  let folder: string;
  let screen: Screen | undefined;
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'd3-screen-test-'));
  });
  afterEach(() => {
    screen?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function open(doing: 'form' | 'work', asked: Form = form()): Screen {
    const words = [
      process.execPath,
      ...process.execArgv,
      CHILD,
      doing,
      JSON.stringify(asked),
      path.join(folder, 'screen'),
    ];
    const { CI: _, ...env } = process.env as Record<string, string>;
    screen = new Screen(words, { cwd: import.meta.dirname, env: { ...env, TERM: 'xterm-256color', TMPDIR: folder } });
    return screen;
  }

  it('patchoo:CN-01 patchoo:CN-03 asks for a text with what is there already; what is wrong is said, and it is asked again', async () => {
    const screen = open('form');
    await screen.sees('Please confirm this Mac’s computername');
    await screen.sees('Name (return for studio-7)');
    await screen.type('taken\r');
    await screen.sees('A Mac named taken already exists.');
    await screen.sees('Name (return for taken)');
    await screen.type('lab 1\r');
    await screen.sees('answer: {"button":"set","values":{"name":"lab 1"},"by":"person"}');
    await screen.sees('closed');
  });

  it('patchoo:DS-14 patchoo:DS-21 chooses from a list with the current value under the cursor, and goes back', async () => {
    const choice = form({
      fields: [
        {
          kind: 'choice',
          name: 'build',
          label: 'Build',
          options: ['creative', 'studio', 'lab'].map((value) => ({ value, label: value })),
          value: 'studio',
          required: 'Choose a build.',
        },
      ],
      buttons: [
        { id: 'ok', label: 'OK', checks: true },
        { id: 'back', label: 'Back', checks: false },
      ],
    });
    let screen = open('form', choice);
    await screen.sees('(Back)');
    await screen.press('return');
    await screen.sees('"values":{"build":"studio"}');
    screen.close();
    screen = open('form', choice);
    await screen.sees('(Back)');
    await screen.press('down', 'down', 'return');
    await screen.sees('"button":"back"');
    screen.close();
  });

  it('patchoo:AP-12 asks for a secret that is not shown, and skips by a sign', async () => {
    const credentials = form({
      fields: [
        { kind: 'text', name: 'user', label: 'User name', value: '', secret: false, required: 'Who?' },
        { kind: 'text', name: 'password', label: 'Password', value: '', secret: true, required: 'Which?' },
      ],
    });
    let screen = open('form', credentials);
    await screen.sees('< alone: Skip');
    await screen.sees('? User name');
    await screen.type('alice\r');
    await screen.sees('? Password');
    await screen.type('hush\r');
    await screen.sees('"password":"the secret"');
    expect(screen.text).to.not.include('hush');
    screen.close();
    screen = open('form', credentials);
    await screen.sees('? User name');
    await screen.type('<\r');
    await screen.sees('"button":"skip"');
    screen.close();
  });

  it('patchoo:DS-13 patchoo:DS-22 lets somebody choose a button, and goes on by itself when nobody does', async () => {
    const alert = form({
      text: 'This Mac has incomplete provisioning information',
      fields: [],
      buttons: [
        { id: 'configure', label: 'Configure', checks: false },
        { id: 'skip', label: 'Skip', checks: false },
      ],
      limit: { seconds: 30, button: 'configure', countdown: 'It is asked for in %s.' },
    });
    let screen = open('form', alert);
    await screen.sees(/It is asked for in (?:30|29) seconds\./);
    await screen.sees('2. Skip');
    await screen.press('down', 'return');
    await screen.sees('"button":"skip","values":{},"by":"person"');
    screen.close();
    screen = open('form', { ...alert, limit: { seconds: 3, button: 'configure', countdown: 'In %s.' } });
    await screen.sees('answer: {"button":"configure","values":{},"by":"time"}');
    await screen.sees('closed');
  });

  it('patchoo:BS-21 says how it goes, each line once, and that it is no lock', async () => {
    const screen = open('work');
    await screen.sees('limits: a terminal is no lock: whoever is at the screen can use it');
    expect(screen.text.match(/Do not interrupt/g)).to.have.length(1);
    expect(screen.text).to.include('deploy: running (Installing, please wait)');
    expect(screen.text).to.match(/Installing .*Chrome/);
    expect(screen.text).to.not.include('\u0007');
  });
});
