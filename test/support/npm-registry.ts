import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { packed } from './packages.ts';

interface Published {
  manifest: Record<string, unknown>;
  bytes: Buffer;
  /** What the registry says its content is. */
  integrity: string;
  signatures: { keyid: string; sig: string }[];
}

/** As npm writes a content. */
export function integrityOf(bytes: Buffer): string {
  return `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
}

/** An npm registry on this host, which the real npm installs from; it does what a test wants of it. */
export class NpmRegistry {
  readonly #packages = new Map<string, Map<string, Published>>();
  readonly #server: Server;
  readonly asked: string[] = [];
  /** Takes connections and says nothing. */
  silent = false;
  /** Milliseconds before each answer. */
  delay = 0;
  /** Answers with this to whatever it is asked. */
  fails: number | null = null;
  /** Gives other bytes than it says it has. */
  alters = false;

  constructor() {
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  async listen(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** @returns the integrity it is known by */
  publish(
    manifest: Record<string, unknown> & { name: string; version: string },
    files: Readonly<Record<string, string>> = {},
    sign: (integrity: string) => string[] = () => [],
  ): string {
    const bytes = packed({ 'package.json': JSON.stringify(manifest), ...files });
    const integrity = integrityOf(bytes);
    const signatures = sign(integrity).map((sig) => ({ keyid: 'test', sig }));
    const versions = this.#packages.get(manifest.name) ?? new Map<string, Published>();
    versions.set(manifest.version, { manifest, bytes, integrity, signatures });
    this.#packages.set(manifest.name, versions);
    return integrity;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = decodeURIComponent(new URL(request.url ?? '/', this.url).pathname);
    this.asked.push(path);
    if (this.silent) return;
    setTimeout(() => this.#say(path, response), this.delay);
  }

  #say(path: string, response: ServerResponse): void {
    if (this.fails !== null) {
      response.writeHead(this.fails, { 'content-type': 'application/json' }).end('{"error":"Not today"}');
      return;
    }
    const [, name = '', version = ''] = /^\/(.+)\/-\/([^/]+)\.tgz$/.exec(path) ?? [];
    const found = this.#packages.get(name)?.get(version);
    if (found !== undefined) {
      response.end(this.alters ? Buffer.concat([found.bytes, Buffer.from('\n')]) : found.bytes);
      return;
    }
    const versions = this.#packages.get(path.slice(1));
    if (versions === undefined) {
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"Not found"}');
      return;
    }
    const latest = [...versions.keys()].at(-1);
    const listed = [...versions].map(([number, { manifest, integrity, signatures }]) => [
      number,
      {
        ...manifest,
        dist: {
          ...(manifest['dist'] as object | undefined),
          integrity,
          signatures,
          tarball: `${this.url}${path.slice(1)}/-/${number}.tgz`,
        },
      },
    ]);
    const packument = { name: path.slice(1), 'dist-tags': { latest }, versions: Object.fromEntries(listed) };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(packument));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
