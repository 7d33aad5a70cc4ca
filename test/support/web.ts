import { createReadStream, existsSync, lstatSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

export interface Asked {
  method: string;
  path: string;
  range: string | null;
  ifRange: string | null;
  ifNoneMatch: string | null;
  authorization: string | null;
}

type Answers = (request: IncomingMessage, response: ServerResponse, file: string) => boolean;

/** A real web server on loopback that gives the files of a folder, with ETag, Range and If-Range, as such servers do. */
export class FileServer {
  readonly asked: Asked[] = [];
  readonly url: string;
  /** Answers instead of the server: true when it has. */
  answers: Answers = () => false;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async of(folder: string): Promise<FileServer> {
    let own: FileServer | null = null;
    const server = createServer((request, response) => own?.answer(request, response, folder));
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    own = new FileServer(server);
    return own;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  answer(request: IncomingMessage, response: ServerResponse, folder: string): void {
    const { pathname } = new URL(request.url ?? '/', this.url);
    const header = (name: string) => (request.headers[name] as string | undefined) ?? null;
    this.asked.push({
      method: request.method ?? '',
      path: pathname,
      range: header('range'),
      ifRange: header('if-range'),
      ifNoneMatch: header('if-none-match'),
      authorization: header('authorization'),
    });
    request.resume();
    const file = path.join(folder, pathname);
    if (this.answers(request, response, file)) return;
    if (request.method !== 'GET') response.writeHead(405).end();
    else if (!existsSync(file) || !lstatSync(file).isFile()) response.writeHead(404).end();
    else giveFile(request, response, file);
  }
}

function tagOf(file: string): string {
  const { size, mtimeMs } = lstatSync(file);
  return `"${size}-${mtimeMs}"`;
}

/** @param cut bytes after which the connection is cut */
export function giveFile(
  request: IncomingMessage,
  response: ServerResponse,
  file: string,
  cut = Number.POSITIVE_INFINITY,
): void {
  const { size } = lstatSync(file);
  const etag = tagOf(file);
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304, { etag }).end();
    return;
  }
  const fits = request.headers['if-range'] === undefined || request.headers['if-range'] === etag;
  const from = fits ? Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0) : 0;
  const range = from > 0 ? { 'content-range': `bytes ${from}-${size - 1}/${size}` } : {};
  response.writeHead(from > 0 ? 206 : 200, { etag, 'content-length': size - from, ...range });
  let given = 0;
  const stream = createReadStream(file, { start: from, highWaterMark: 65_536 });
  stream.on('data', (piece) => {
    given += piece.length;
    response.write(piece);
    if (given < cut) return;
    stream.destroy();
    setImmediate(() => response.destroy());
  });
  stream.on('end', () => response.end());
}
