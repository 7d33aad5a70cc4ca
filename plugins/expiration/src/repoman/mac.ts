import path from 'node:path';
import { D3Error } from '@d3/sdk';
import { ask, type FollowedEnd, follow } from './followed.ts';
import { type FrontSource, InOrder, type OnFront } from './front.ts';

/** macOS: `lsappinfo` tells of every app that comes to the front; where it does not, a script for `osascript` does. */

export interface MacParts {
  /** Absolute paths. */
  programs: { lsappinfo: string; osascript: string };
  /** Milliseconds in which a program that listens has failed, rather than ended. */
  failsWithin: number;
  ticks: () => number;
}

export const MAC_PARTS: MacParts = {
  programs: { lsappinfo: '/usr/bin/lsappinfo', osascript: '/usr/bin/osascript' },
  failsWithin: 10_000,
  ticks: () => performance.now(),
};

/** Apps whose paths are remembered. */
const MOST_KNOWN = 200;
/** Times a program that ended by itself is started again before the next one is tried. */
const MOST_STARTS = 5;

export function macFront(parts: MacParts): FrontSource {
  return {
    name: 'macOS',
    async watch(onFront, signal) {
      const byList = await keepListening(parts, (until) => lsappinfo(parts.programs.lsappinfo, onFront, until), signal);
      if (signal.aborted) return;
      const byScript = await keepListening(parts, (until) => jxa(parts.programs.osascript, onFront, until), signal);
      if (signal.aborted) return;
      throw new D3Error('FRONT_UNKNOWN', 'failed', 'Nothing here says which app is in front.', {
        target: parts.programs.lsappinfo,
        actions: [`see what they say: lsappinfo: ${wordsOf(byList)}`, `osascript: ${wordsOf(byScript)}`],
      });
    },
  };
}

function wordsOf({ failure, complaint, code }: FollowedEnd): string {
  return failure ?? (complaint || `it ended with ${code}`);
}

/** Starts what listens again when it ended after a while. @returns how it failed */
async function keepListening(
  { failsWithin, ticks }: MacParts,
  listen: (signal: AbortSignal) => Promise<FollowedEnd>,
  signal: AbortSignal,
): Promise<FollowedEnd> {
  for (let starts = 1; ; starts += 1) {
    const began = ticks();
    const end = await listen(signal);
    if (signal.aborted || ticks() - began < failsWithin || starts === MOST_STARTS) return end;
  }
}

async function lsappinfo(program: string, onFront: OnFront, signal: AbortSignal): Promise<FollowedEnd> {
  const order = new InOrder();
  // An app's number is its own as long as it runs, and is not used again.
  const known = new Map<string, string[]>();
  const pathsOf = async (app: string) => {
    const paths = known.get(app) ?? pathsInInfo((await ask(program, ['info', ...FIELDS, app], {})) ?? '');
    if (known.size >= MOST_KNOWN) known.clear();
    if (paths.length > 0) known.set(app, paths);
    return paths;
  };
  const frontNow = async () => appIn((await ask(program, ['front'], {})) ?? '');
  const tell = async (app: string | null) => onFront(app === null ? [] : await pathsOf(app));
  order.add(async () => tell(await frontNow()));
  const onLine = (line: string) => {
    if (!isNotification(line)) return;
    order.add(async () => tell(appIn(line) ?? (await frontNow())));
  };
  const end = await follow({ program, args: ['listen', '+becameFrontmost', 'forever'], env: {}, onLine, signal });
  await order.settled();
  return end;
}

const FIELDS = ['-only', 'executablepath', '-only', 'bundlepath'];

function isNotification(line: string): boolean {
  return line.includes('kLSNotifyBecameFrontmost');
}

/** @returns the number of the app that `lsappinfo` speaks of, as it takes it; null when there is none */
export function appIn(said: string): string | null {
  const [, number] =
    /"LSASN"\s*=\s*(ASN:0x[0-9a-f]+-0x[0-9a-f]+)/i.exec(said) ?? /(ASN:0x[0-9a-f]+-0x[0-9a-f]+)/i.exec(said) ?? [];
  return number === undefined || /-0x0+$/.test(number) ? null : `${number}:`;
}

/** @returns the executable's path, or the bundle's where that one is not said; none when neither is */
export function pathsInInfo(said: string): string[] {
  const value = (name: string) =>
    new RegExp(`^\\s*"${name}"\\s*=\\s*"(/.*)"\\s*$`, 'ms').exec(firstOf(said, name))?.[1];
  const found = value('CFBundleExecutablePath') ?? value('LSBundlePath');
  return found === undefined ? [] : [found];
}

/** The entry of that name up to the next: a path may have line ends in it. */
function firstOf(said: string, name: string): string {
  const from = said.indexOf(`"${name}"`);
  if (from < 0) return '';
  const rest = said.slice(from);
  const next = /"\n\s*"(?:CFBundleExecutablePath|LSBundlePath)"\s*=/.exec(rest);
  return next === null ? rest.trimEnd() : rest.slice(0, next.index + 1);
}

function jxa(program: string, onFront: OnFront, signal: AbortSignal): Promise<FollowedEnd> {
  const onLine = (line: string) => {
    const file = pathInLine(line);
    if (file !== null) onFront([file]);
  };
  return follow({ program, args: ['-l', 'JavaScript', '-e', SCRIPT], env: {}, onLine, signal });
}

/** @returns the path a line of the script says; null for anything else */
export function pathInLine(line: string): string | null {
  try {
    const said: unknown = JSON.parse(line);
    return typeof said === 'string' && path.isAbsolute(said) ? said : null;
  } catch {
    return null;
  }
}

/** Prints the path of the executable of whatever comes to the front, as JSON, a line each. */
const SCRIPT = `ObjC.import('AppKit');
const out = $.NSFileHandle.fileHandleWithStandardOutput;
const workspace = $.NSWorkspace.sharedWorkspace;
function tell(app) {
  if (app.isNil() || app.executableURL.isNil()) return;
  const line = JSON.stringify(ObjC.unwrap(app.executableURL.path)) + '\\n';
  out.writeData($(line).dataUsingEncoding($.NSUTF8StringEncoding));
}
tell(workspace.frontmostApplication);
workspace.notificationCenter.addObserverForNameObjectQueueUsingBlock(
  'NSWorkspaceDidActivateApplicationNotification', $(), $(),
  (note) => tell(note.userInfo.objectForKey('NSWorkspaceApplicationKey')),
);
$.NSRunLoop.currentRunLoop.run;
`;
