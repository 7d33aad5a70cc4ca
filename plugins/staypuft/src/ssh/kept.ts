import { existsSync, rmSync } from 'node:fs';
import type { Target } from '../ssh-port.ts';

/** Seconds a connection to a host stays that nobody uses: as long as other hosts may take until it is this one's turn again. */
const IDLE = 60;
/** Each is two processes here, and one there. */
const MOST = 200;

/** Connections to hosts that stay for a moment after a call, so that the next one need not log in again. */
export class KeptConnections {
  readonly #socketFor: (key: string) => string;
  readonly #stop: (socket: string) => Promise<unknown>;
  readonly #sockets = new Set<string>();

  /**
   * @param parts `socketFor`: the path of a socket of its own for each key; `stop`: has whoever listens there take no more calls, and
   * end after those it has
   */
  constructor(parts: { socketFor: (key: string) => string; stop: (socket: string) => Promise<unknown> }) {
    this.#socketFor = parts.socketFor;
    this.#stop = parts.stop;
  }

  /**
   * Where the connection is kept; null: as many as may be are kept already.
   * @param how whatever another connection would be made by
   */
  socketOf({ name, host, proxy, key }: Target, how: readonly unknown[]): string | null {
    const { address, port, user } = host;
    const socket = this.#socketFor(JSON.stringify([name, address, port, user, key, proxy, ...how]));
    if (!this.#sockets.has(socket) && this.#sockets.size >= MOST) {
      for (const one of this.#sockets) if (!existsSync(one)) this.#sockets.delete(one);
      if (this.#sockets.size >= MOST) return null;
    }
    this.#sockets.add(socket);
    return socket;
  }

  /** The next call makes a new one. */
  async drop(socket: string): Promise<void> {
    if (!existsSync(socket)) return;
    await this.#stop(socket);
    rmSync(socket, { force: true });
  }

  async close(): Promise<void> {
    const sockets = [...this.#sockets];
    this.#sockets.clear();
    await Promise.all(sockets.map((socket) => this.drop(socket)));
  }
}

/** Has ssh use the connection that is kept there, or make it and keep it. @param socket its path, `%` written twice */
export function keptArgs(socket: string): string[] {
  return ['ControlMaster=auto', `ControlPath=${socket}`, `ControlPersist=${IDLE}`].flatMap((option) => ['-o', option]);
}
