import { lstatSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { D3Error } from '@d3/sdk';
import { SELF } from '../planner/availability.ts';
import type { InstallAction } from '../planner/types.ts';
import { makeFolder } from '../platform/make-folder.ts';
import type { MachinePaths } from '../platform/paths.ts';
import { runProgram } from '../platform/program.ts';
import type { ActingContext } from './context.ts';

/** A start of the new d3 that takes longer is none. */
const START_MS = 60_000;

export function isSelf({ basename }: { basename: string }): boolean {
  return basename === SELF;
}

/**
 * Goes over to a version of d3 that was installed beside the one in force: the new one is started first, then one rename decides which
 * is in force; this process goes on with the files it has. Two are kept. Done again after a cut it comes to the same.
 * @throws D3Error installerFailed (32) when the new one does not start: it is taken off again, and the old one stays in force
 */
export async function goOver(action: InstallAction, context: ActingContext): Promise<void> {
  const { edition, replaces } = action;
  const { self } = context.paths;
  const folder = path.join(self.versions, edition.version);
  const why = await whyNotStarting(path.join(folder, 'bin', 'd3'));
  const link = path.join('versions', edition.version);
  if (why !== null) {
    // Where it took the place of the very version in force, taking it off would leave none at all.
    const inForce = targetOf(self.current) === link;
    if (!inForce) giveUpOn(action, context);
    throw new D3Error('SELF_BROKEN', 'installerFailed', `${edition.edition} does not start: ${why}.`, {
      target: edition.edition,
      actions: [inForce || replaces === null ? 'install another version of d3' : `${replaces.edition} stays in force`],
    });
  }
  point(self.current, link);
  linkUsual(self);
  const kept = new Set([edition.version, replaces?.version]);
  for (const version of versionsOn(context)) if (!kept.has(version)) takeOff(version, context);
}

function giveUpOn({ edition, replaces }: InstallAction, context: ActingContext): void {
  takeOff(edition.version, context);
  if (replaces === null) context.state.forget(SELF);
  else context.state.replaceReceipt(replaces);
}

async function whyNotStarting(program: string): Promise<string | null> {
  if (lstatSync(program, { throwIfNoEntry: false })?.isFile() !== true)
    return 'it has no bin/d3 in the folder of its version';
  try {
    const { code, timedOut, lastLines } = await runProgram({ program, args: ['--version'], timeout: START_MS });
    if (code === 0) return null;
    return timedOut ? 'it did not answer in time' : `it ended with ${code ?? 'a signal'} (${lastLines.join(' ')})`;
  } catch (error) {
    return (error as Error).message;
  }
}

/** A link is never half-made: the new one takes the place of the old in one step. */
function point(link: string, target: string): void {
  if (targetOf(link) === target) return;
  const draft = `${link}.new`;
  rmSync(draft, { force: true });
  symlinkSync(target, draft);
  renameSync(draft, link);
}

/** Null when it is no link. */
function targetOf(link: string): string | null {
  const stat = lstatSync(link, { throwIfNoEntry: false });
  return stat?.isSymbolicLink() === true ? readlinkSync(link) : null;
}

/** Where people's fingers and policies look for d3; what somebody else has put there stays. */
function linkUsual({ current, link }: MachinePaths['self']): void {
  makeFolder(path.dirname(link), 0o755);
  const target = path.relative(path.dirname(link), path.join(current, 'bin', 'd3'));
  if (lstatSync(link, { throwIfNoEntry: false }) === undefined) symlinkSync(target, link);
}

/** Versions that the record says are here. */
function versionsOn({ state, paths }: ActingContext): string[] {
  const prefix = `${within(paths)}/`;
  const names = state.manifest(SELF).flatMap(({ path: at }) => {
    const [version = ''] = at.startsWith(prefix) ? at.slice(prefix.length).split('/') : [];
    return version === '' ? [] : [version];
  });
  return [...new Set(names)];
}

/** Takes a version away, its files first, and lets go of its record last. */
function takeOff(version: string, { state, rootfs, paths }: ActingContext): void {
  const folder = `${within(paths)}/${version}`;
  const own = state.manifest(SELF).filter(({ path: at }) => at === folder || at.startsWith(`${folder}/`));
  for (const { path: at, type } of own) if (type !== 'dir') rootfs.removeFile(at);
  const made = state.createdFolders().filter((at) => at === folder || at.startsWith(`${folder}/`));
  const gone = made.toSorted((a, b) => b.length - a.length).filter((at) => rootfs.removeEmptyDir(at));
  state.dropPaths(
    SELF,
    own.map(({ path: at }) => at),
    gone,
  );
}

/** The folder of versions as manifests name it. */
function within({ root, self }: MachinePaths): string {
  return `/${path.relative(root, self.versions)}`;
}
