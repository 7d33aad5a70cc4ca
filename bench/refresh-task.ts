/** One side of a full fetch: `refresh URL FOLDER` as a machine that knows nothing does it, `got URL…` the bytes alone. */
import process from 'node:process';

const [task, ...given] = process.argv.slice(2);
if (task === 'refresh') {
  const { createDepotClient, HttpTransport } = await import('../src/depot/index.ts');
  const { systemClock } = await import('../src/platform/clock.ts');
  const [url = '', trustDir = ''] = given;
  const { signal } = new AbortController();
  const transport = new HttpTransport(new URL(url), { credentials: null, ca: null, signal });
  const { catalog } = await createDepotClient({ transport, trustDir, clock: systemClock }).refresh();
  if (catalog.editions.length === 0) throw new Error('there is nothing in the catalog');
} else {
  const { default: got } = await import('got');
  for (const url of given) await got(url, { decompress: false, retry: { limit: 0 } }).buffer();
}
// As d3 ends: it waits for no connection that is kept for later.
process.exit(0);
