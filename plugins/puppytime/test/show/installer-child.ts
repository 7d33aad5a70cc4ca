/** Somebody who installs, to be killed: opens a show, tells how far it is, and waits. */

import type { OpenShow } from '../../src/show/open.ts';
import { openShow } from '../../src/show/open.ts';

const show = await openShow(JSON.parse(process.argv[2] as string) as OpenShow);
show.progress({ message: 'installing firmware-7-1', done: 1, total: 3 });
process.stdout.write(`${show.way()}\n`);
setInterval(() => undefined, 1000);
