/** A process that locks the screen and waits to be killed: `screen-child.ts FOLDER PROGRAMS`. */
import { openScreen, type ShowPrograms } from '@d3/show';
import { QUICK, VIEW } from './machine.ts';

const [folder, programs] = process.argv.slice(2) as [string, string];
const screen = await openScreen({
  folder,
  teletype: null,
  platform: 'darwin',
  programs: JSON.parse(programs) as ShowPrograms,
  timing: QUICK,
});
screen.lock(VIEW, null);
await screen.settled();
process.stdout.write(`${screen.way()}\n`);
setInterval(() => undefined, 1000);
