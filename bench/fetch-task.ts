/** One side of the fetch bench: `serve DEPOT` prints its address; `fetch URL SHA256 FOLDER` goes on with what is in the folder. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { fetchPackage } from '../src/client/fetch.ts';
import { HttpTransport } from '../src/depot/index.ts';
import { giveFile } from '../test/support/web.ts';

const [task = '', at = '', sha256 = '', folder = ''] = process.argv.slice(2);
if (task === 'serve') serve(at);
else await fetch();

function serve(depot: string): void {
  const server = createServer((request, response) => giveFile(request, response, path.join(depot, request.url ?? '/')));
  server.listen(0, '127.0.0.1', () => {
    process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
  });
}

async function fetch(): Promise<void> {
  const transport = new HttpTransport(new URL(at), {
    credentials: null,
    ca: null,
    signal: new AbortController().signal,
  });
  const open = async (hash: string, after: { size: number; tag: string | null } | null) => {
    const passage = await transport.passage(`blobs/${hash.slice(0, 2)}/${hash}`, after);
    if (passage === null) throw new Error('it is not there');
    return passage;
  };
  const depot = { sources: () => [{ location: at, pauses: [], open }] };
  const file = { name: 'file.pkg', sha256, size: 1024 ** 3, format: 'pkg' } as const;
  const { handle } = await fetchPackage({ depot, file, folder, signal: new AbortController().signal });
  await handle.close();
  process.stdout.write(`${Math.round(process.resourceUsage().maxRSS / 1024)}\n`);
}
