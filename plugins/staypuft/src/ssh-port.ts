import type { Host, Proxy } from './types.ts';

/** A host with the way to it. */
export interface Target {
  /** Name of the host document. */
  name: string;
  host: Host;
  /** Null: it is reached from here, with the account's own key. */
  proxy: { name: string; proxy: Proxy } | null;
  /** Absolute path of the private key the host lets in now; left out: the proxy's. */
  key?: string;
}

/** What is run on a host by a POSIX shell. */
export interface RemoteWork {
  /** Names the work: with the same name it is found again after a cut, on whatever controller. `[a-z0-9-]{1,64}`. */
  id: string;
  /** Text of a shell script; it comes over stdin, never as an argument. */
  script: string;
  /** Seconds until it is ended on the host, with all it started. */
  timeout: number;
  /** Seen by the script; may hold secrets: they are in no argument and no log. */
  environment?: Readonly<Record<string, string>>;
  /** Told of every whole line it prints. */
  onLine?: (line: string) => void;
}

export interface RemoteEnd {
  /** Exit code of the script; null: it was ended by a signal or its time was up. */
  code: number | null;
  timedOut: boolean;
  /** The last 64 KiB of what it printed on both streams. */
  output: string;
}

/**
 * Why a host could not be worked on; `transport` may pass by itself, the others need somebody.
 * They come as D3Error with these codes: `SSH_UNREACHABLE` (transport), `SSH_REFUSED_KEY` (notAuthorised), `SSH_HOST_KEY_CHANGED` and
 * `SSH_HOST_KEY_UNKNOWN` (verificationFailed), each naming the host and the next step.
 */
export interface Remote {
  /** Runs work, or waits for the end of work of this id that was begun before; its result is found again until {@link forget}. */
  work(target: Target, work: RemoteWork, signal: AbortSignal): Promise<RemoteEnd>;
  /** What became of work that was begun before: null: it was not begun, or nothing is known of it any more (a restart). */
  find(target: Target, id: string, signal: AbortSignal): Promise<RemoteEnd | 'running' | null>;
  /** Ends work with all it started, where there is any of these ids. */
  end(target: Target, ...ids: readonly string[]): Promise<void>;
  /** Takes away what is kept of work on the host. */
  forget(target: Target, id: string): Promise<void>;
  /** One short command, not found again after a cut: for looking. Seconds 30 unless said. */
  look(
    target: Target,
    script: string,
    options: { signal: AbortSignal; timeout?: number; input?: string },
  ): Promise<RemoteEnd>;
  /** The host's boot id; null: it does not answer now. */
  bootId(target: Target, signal: AbortSignal): Promise<string | null>;
  /** Ends shared connections. */
  close(): Promise<void>;
}
