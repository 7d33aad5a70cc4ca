import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL(`./leash-main${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url));
/** How often it is started again when somebody ends it. */
const RESTARTS = 5;

/**
 * Takes away what a screen has shown when the process that shows it dies, however it does: a process of its own that hears by the end
 * of a pipe that it is alone.
 */
export class Leash {
  readonly #place: string;
  #child: ChildProcess | null = null;
  #restarts = 0;
  #let = false;

  /** @param place absolute path of the place of the screen */
  constructor(place: string) {
    this.#place = place;
    this.#start();
  }

  /** Its process; null while it is not there. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  async release(): Promise<void> {
    this.#let = true;
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.ref();
    child.stdin?.end();
    await ended;
  }

  #start(): void {
    const child = spawn(process.execPath, [...process.execArgv.filter(kept), MAIN, this.#place], {
      cwd: '/',
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      env: {},
    });
    this.#child = child;
    child.stdin?.on('error', () => undefined);
    child.once('error', () => undefined);
    child.once('exit', () => {
      this.#child = null;
      if (this.#let || this.#restarts >= RESTARTS) return;
      this.#restarts += 1;
      this.#start();
    });
    // It is no reason to stay.
    child.unref();
    (child.stdin as unknown as { unref?: () => void } | null)?.unref?.();
  }
}

/** How modules are found, from sources as from a build; nothing that listens, measures or tests. */
function kept(option: string): boolean {
  return /^(?:--conditions=|-C|--disable-warning=)/.test(option);
}
