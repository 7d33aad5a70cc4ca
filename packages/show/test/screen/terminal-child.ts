/** A screen in this terminal, through what a plugin's command has of it: `form FORM`, or `work`. What came of it goes to stdout. */
import { type Form, openScreen } from '@d3/show';
import { Terminal } from '../../../../src/terminal/terminal.ts';
import { QUICK, VIEW } from './machine.ts';

const [doing, given = '{}', folder = ''] = process.argv.slice(2);
const terminal = new Terminal();
const screen = await openScreen({
  folder,
  ways: ['terminal'],
  teletype: { typist: terminal, say: (line) => terminal.notice(line), flag: '--no-input' },
  timing: QUICK,
});
if (doing === 'form') {
  const form = JSON.parse(given) as Form;
  const answer = await screen.ask({
    ...form,
    check: async ({ name = '' }) => (name === 'taken' ? { name: 'A Mac named taken already exists.' } : null),
  });
  const said = JSON.stringify(answer).replaceAll('hush', 'the secret');
  process.stdout.write(`answer: ${said}\n`);
} else {
  screen.lock(VIEW, null);
  await screen.settled();
  screen.lock({ ...VIEW, newest: 'Installing \u001b[31mChrome\u0007' }, null);
  await screen.settled();
  process.stdout.write(`limits: ${screen.limits().join('; ')}\n`);
}
await screen.close();
process.stdout.write('closed\n');
process.exit(0);
