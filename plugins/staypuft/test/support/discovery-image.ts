import type { Server } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type Certified, selfSigned } from '../../../../test/support/certificates.ts';

/** What an image does when it is told to restart. */
export type Manner =
  /** It goes away. */
  | 'leaves'
  /** It says so, and stays. */
  | 'stays'
  /** It goes away and comes back as an image. */
  | 'comes-back'
  /** It says no, with 200. */
  | 'says-no'
  | 'says-no-in-words'
  | 'breaks';

let certified: Certified | null = null;

/** A machine that booted a discovery image: the little proxy on it, with a certificate of its own. */
export class DiscoveryImage {
  manner: Manner = 'leaves';
  /** How often it was told to restart. */
  restarts = 0;
  uptime = 600;
  /** When it went away. */
  onLeave: () => void = () => {};
  facts: Record<string, unknown>;
  #server: Server | null = null;
  #port: number;
  readonly #address: string;

  /** @param at where it listens; else at any port of the loopback */
  constructor(
    facts: Record<string, unknown>,
    at: { address: string; port: number } = { address: '127.0.0.1', port: 0 },
  ) {
    this.facts = facts;
    this.#address = at.address;
    this.#port = at.port;
  }

  get port(): number {
    return this.#port;
  }

  async start(): Promise<void> {
    certified ??= selfSigned();
    const server = createServer(certified, (request, response) => {
      const json = (status: number, body: unknown) => {
        response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
        response.end(JSON.stringify(body));
      };
      const path = (request.url as string).replace(/^\/discovery\/[^/]+/, '');
      if (request.method === 'GET' && path === '/inventory/facter')
        return json(200, { ...this.facts, system_uptime: { seconds: this.uptime } });
      if (request.method !== 'PUT' || path !== '/power/reboot') return json(404, { error: 'not found' });
      this.restarts += 1;
      switch (this.manner) {
        case 'says-no':
          return json(200, { action: 'reboot', result: false });
        case 'says-no-in-words':
          return json(200, { message: 'could not restart: kexec failed' });
        case 'breaks':
          return json(500, { error: 'Internal error' });
        case 'stays':
          return json(200, { action: 'reboot', result: true });
        case 'comes-back':
          this.uptime = 5;
          return json(200, { action: 'reboot', result: true });
        case 'leaves':
          json(200, { action: 'reboot', result: true });
          response.once('finish', () => void this.stop().then(this.onLeave));
      }
    });
    this.#server = server as unknown as Server;
    await new Promise<void>((resolve) => server.listen(this.#port, this.#address, resolve));
    this.#port = (server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    await new Promise((resolve) => {
      server.close(resolve);
      setTimeout(() => server.closeAllConnections(), 50).unref();
    });
  }
}
