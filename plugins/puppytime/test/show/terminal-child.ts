/** A show in this terminal, driven by what the test says on the command line: `ask SECONDS`, or `work`. */
import { openShow } from '../../src/show/open.ts';
import { QUESTION, SETTINGS } from './fakes.ts';

const [doing, seconds, byItself = 'continue'] = process.argv.slice(2);
const show = await openShow({
  settings: { ...SETTINGS, ways: ['terminal'] },
  folder: '/nonexistent',
  terminal: { input: process.stdin, output: process.stdout },
});
if (doing === 'ask') {
  const answer = await show.ask({
    ...QUESTION,
    heading: 'Install \u001b[31mnow\u0007?',
    seconds: Number(seconds),
    byItself: byItself as 'continue',
  });
  process.stdout.write(`answer: ${answer}\n`);
} else {
  const pause = () => new Promise((resolve) => setTimeout(resolve, 400));
  for (const [done, edition] of ['firmware-7-1', 'driver-2-1', 'kernel-\u001b]0;x\u00073'].entries()) {
    show.progress({ message: `installing ${edition}`, done, total: 3 });
    await pause();
  }
  show.over('Everything is installed.');
  await pause();
}
await show.close();
process.stdout.write(`way: ${show.way()}\n`);
process.exit(0);
