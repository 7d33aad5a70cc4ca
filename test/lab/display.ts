import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/** An X server without a screen of its own, with a window manager: what a session has, and nobody sees it. */
export class Display {
  readonly name: string;
  readonly #programs: ChildProcess[];

  private constructor(name: string, server: ChildProcess) {
    this.name = name;
    this.#programs = [server];
  }

  static async open(): Promise<Display> {
    const server = spawn('Xvfb', ['-displayfd', '3', '-nolisten', 'tcp', '-noreset'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    });
    const number = await new Promise<string>((resolve, reject) => {
      server.stdio[3]?.once('data', (text: Buffer) => resolve(text.toString().trim()));
      server.once('exit', (code) => reject(new Error(`Xvfb ended with ${code}`)));
    });
    const display = new Display(`:${number}`, server);
    display.start('openbox');
    await until(() => display.run('xprop', '-root', '_NET_SUPPORTING_WM_CHECK').includes('window id'));
    return display;
  }

  /** Runs a program there, until the display is closed at the latest. */
  start(program: string, ...args: string[]): ChildProcess {
    const child = spawn(program, args, { env: this.env, stdio: 'ignore' });
    this.#programs.push(child);
    return child;
  }

  /** @returns what it printed */
  run(program: string, ...args: string[]): string {
    return spawnSync(program, args, { env: this.env, encoding: 'utf8' }).stdout;
  }

  /** Brings a window to the front, and waits until it is there. @param title all of it */
  async activate(title: string): Promise<void> {
    await until(() => this.run('xdotool', 'search', '--name', `^${title}$`) !== '');
    const id = this.run('xdotool', 'search', '--name', `^${title}$`).trim();
    this.run('xdotool', 'windowactivate', '--sync', id);
    await until(() => this.run('xdotool', 'getactivewindow').trim() === id);
  }

  get env(): NodeJS.ProcessEnv {
    return { PATH: '/usr/bin:/bin', HOME: '/nonexistent', DISPLAY: this.name };
  }

  /** As at a logout: the server goes last. */
  async close(): Promise<void> {
    for (const program of this.#programs.toReversed()) {
      if (program.exitCode !== null || program.signalCode !== null) continue;
      const ended = new Promise((resolve) => program.once('exit', resolve));
      program.kill();
      await ended;
    }
  }
}

/** Waits until something is so; ten seconds at most. */
export async function until(isSo: () => boolean): Promise<void> {
  for (let tries = 0; !isSo(); tries += 1) {
    if (tries === 200) throw new Error(`not within ten seconds: ${isSo.toString()}`);
    await sleep(50);
  }
}
