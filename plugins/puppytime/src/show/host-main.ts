/** The process of a show: `node host-main.js FOLDER`. It is started by who installs, and outlives them. */
import { host } from './host.ts';

const stop = new AbortController();
process.on('SIGTERM', () => stop.abort());
process.on('SIGHUP', () => undefined);
await host(process.argv[2] as string, stop.signal);
// What a browser left open must not keep it.
process.exit(0);
