import { expect } from 'chai';
import { memoryTerminal } from './memory-terminal.ts';

describe('a tree of steps', () => {
  it('is drawn on a terminal as the steps go, each with how it ended, and stands still when it is left', async () => {
    const { terminal, stderr, stdout } = memoryTerminal({ tty: true });
    const tree = await terminal.tree(['1 fetch', '2 restart\u001b[2J', '3 wait', '4 later']);
    tree?.show(0, 'half of it');
    tree?.end(0, 'done');
    await new Promise((resolve) => setTimeout(resolve, 300));
    tree?.show(1, 'no such program');
    tree?.end(1, 'failed');
    tree?.end(2, 'skipped');
    await new Promise((resolve) => setTimeout(resolve, 300));
    await tree?.settle();
    const drawn = stderr();
    expect(drawn).to.include('1 fetch').and.include('half of it').and.include('3 wait').and.include('4 later');
    expect(drawn, 'no step can drive the terminal').to.include('2 restart\\x1b[2J');
    expect(stdout()).to.equal('');
  });

  it('is drawn for nobody where nobody watches', async () => {
    for (const [options, mode] of [
      [{ tty: false }, {}],
      [{ tty: true }, { json: true }],
      [{ tty: true }, { verbosity: 1 }],
      [{ tty: true, env: { TERM: 'dumb' } }, {}],
    ] as const) {
      const { terminal } = memoryTerminal({ ...options });
      terminal.configure({ json: false, noInput: false, ...mode });
      expect(await terminal.tree(['1 fetch'])).to.equal(null);
    }
  });
});
