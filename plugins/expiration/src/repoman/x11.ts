import { closeSync, openSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { D3Error } from '@d3/sdk';
import { ask, follow } from './followed.ts';
import { type FrontSource, InOrder } from './front.ts';

/** Linux under X11: `xprop` tells of the active window, which says whose process it is. */

export interface X11Parts {
  /** Absolute path of xprop. */
  xprop: string;
  env: Readonly<Record<string, string | undefined>>;
  /** Where the table of processes is mounted. */
  proc: string;
  /** Name of this machine: windows may belong to another. */
  machine: string;
}

/** @throws D3Error refused (30) under Wayland, and where there is no display */
export function x11({ xprop, env, proc, machine }: X11Parts): FrontSource {
  if ((env['WAYLAND_DISPLAY'] ?? '') !== '' || env['XDG_SESSION_TYPE'] === 'wayland') {
    throw new D3Error(
      'WAYLAND',
      'refused',
      'This session is one of Wayland, which tells nobody which app is in front.',
      {
        target: env['WAYLAND_DISPLAY'] ?? 'wayland',
        actions: ['log in to an X11 session; without usage data nothing of this machine expires'],
      },
    );
  }
  const { DISPLAY: display = '', XAUTHORITY: authority, HOME: home } = env;
  if (display === '') {
    throw new D3Error('NO_DISPLAY', 'refused', 'There is no graphical session here: DISPLAY is not set.', {
      target: 'DISPLAY',
      actions: ['"d3 repoman install" has it started in every session'],
    });
  }
  const own = {
    DISPLAY: display,
    ...(authority === undefined ? {} : { XAUTHORITY: authority }),
    ...(home === undefined ? {} : { HOME: home }),
  };
  const pathsOf = async (window: string) => {
    const said = await ask(xprop, ['-id', window, '_NET_WM_PID', 'WM_CLIENT_MACHINE'], own);
    const pid = said === null ? null : processOfWindow(said, machine);
    return pid === null ? [] : pathsOfProcess(proc, pid);
  };
  return {
    name: 'X11',
    async watch(onFront, signal) {
      const order = new InOrder();
      let seen = '';
      const onLine = (line: string) => {
        const window = activeWindow(line);
        if (window === null || window === seen) return;
        seen = window;
        order.add(async () => onFront(window === NOBODY ? [] : await pathsOf(window)));
      };
      const args = ['-root', '-spy', '_NET_ACTIVE_WINDOW'];
      const { failure, code, complaint } = await follow({ program: xprop, args, env: own, onLine, signal });
      await order.settled();
      if (signal.aborted) return;
      if (failure !== null) throw noXprop(xprop, failure);
      // It had the display: that is gone now, and with it the session.
      if (seen !== '') return;
      throw noAnswer(display, complaint || `xprop ended with ${code}`);
    },
  };
}

const NOBODY = '0x0';

function noXprop(program: string, failure: string): D3Error {
  return new D3Error('NO_XPROP', 'failed', `xprop cannot be run: ${failure}.`, {
    target: program,
    actions: ['install it: apt-get install x11-utils'],
  });
}

function noAnswer(display: string, why: string): D3Error {
  return new D3Error('DISPLAY', 'failed', `The display ${display} does not answer: ${why.replace(/\.$/, '')}.`, {
    target: display,
    actions: ['run it in the session of the user whose apps are to be recorded'],
  });
}

/** @returns the window a line of xprop's names, `0x0` for none; null for another line */
export function activeWindow(line: string): string | null {
  if (/^_NET_ACTIVE_WINDOW\b.*not found/.test(line)) return NOBODY;
  return /^_NET_ACTIVE_WINDOW\b.*#\s*(0x[0-9a-f]{1,8})\b/i.exec(line)?.[1]?.toLowerCase() ?? null;
}

/** @returns the process a window belongs to; null when it does not say, or is another machine's */
export function processOfWindow(said: string, machine: string): number | null {
  const pid = /^_NET_WM_PID\b.*=\s*(\d{1,10})\s*$/m.exec(said)?.[1];
  const owner = /^WM_CLIENT_MACHINE\b.*=\s*"(.*)"\s*$/m.exec(said)?.[1];
  if (pid === undefined || Number(pid) === 0) return null;
  return owner === undefined || owner === machine || owner === 'localhost' ? Number(pid) : null;
}

/** The paths a process is known by: its executable, what it was called as, and the script it interprets. */
export function pathsOfProcess(proc: string, pid: number): string[] {
  const words = textOf(path.join(proc, String(pid), 'cmdline'))?.split('\0') ?? [];
  const [called = '', script = ''] = words;
  const found = [executableOf(proc, pid), called, isScript(script) ? script : null];
  return [...new Set(found.filter((file): file is string => file !== null && path.isAbsolute(file)))];
}

function executableOf(proc: string, pid: number): string | null {
  try {
    // The kernel says so behind the path when the program was replaced while it runs.
    return readlinkSync(path.join(proc, String(pid), 'exe')).replace(/ \(deleted\)$/, '');
  } catch {
    return null;
  }
}

/** Other words are documents somebody opened, which are nobody's business. */
function isScript(file: string): boolean {
  if (!path.isAbsolute(file)) return false;
  try {
    const handle = openSync(file, 'r');
    try {
      const start = Buffer.alloc(2);
      return readSync(handle, start, 0, 2, 0) === 2 && start.toString('latin1') === '#!';
    } finally {
      closeSync(handle);
    }
  } catch {
    return false;
  }
}

function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

export function x11Here(): FrontSource {
  return x11({ xprop: '/usr/bin/xprop', env: process.env, proc: '/proc', machine: os.hostname() });
}
