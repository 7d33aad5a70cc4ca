/** Waits until who started it is gone, and takes away what they showed: `node leash-main.js PLACE`. */
import { clearAway } from '../leavings.ts';

for (const name of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) process.on(name, () => undefined);
process.stdin.on('error', () => undefined);
for await (const _ of process.stdin);
clearAway(process.argv[2] as string);
process.exit(0);
