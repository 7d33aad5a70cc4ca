import path from 'node:path';
import { D3Error } from '@d3/sdk';
import type { Edition } from '../catalog/types.ts';
import type { Committed, InstallTarget, PreparedInstall } from '../installers/index.ts';
import { newReceipt, type Receipt } from '../planner/receipt.ts';
import type { Action } from '../planner/types.ts';
import type { ActingContext } from './context.ts';
import { filesNeeded } from './deferred.ts';
import { actionEnvironment } from './environment.ts';
import { dropPackage, fetchPackage, requireFree, telling } from './fetch.ts';
import { refuseRunning } from './processes.ts';
import { goOver, isSelf } from './self.ts';
import { stagingName } from './staging.ts';
import type { JournalEntry } from './state/state.ts';
import { askBeforeRemoval, type Carried, passed, removeInstalled, tellAfterRemoval } from './uninstall.ts';

type InstallAction = Extract<Action, { kind: 'install' }>;
type InstallEntry = JournalEntry & { action: InstallAction };
type Left = 'none' | 'rolled-back' | 'completed';

/**
 * Carries out an install, or goes on with one that was cut. The package is fetched, verified and unpacked beside the target
 * before anything is removed; each phase is recorded before it begins. A failed one is over, with nothing of it left on the
 * machine; or it stays in the journal for the next run, where stopping would lose something.
 */
export async function carryOutInstall(entry: InstallEntry, context: ActingContext): Promise<Carried> {
  const { state } = context;
  if (entry.phase === 'recorded') return finish(entry, receiptNow(entry, context)?.settled ?? null, context);
  let left: Left = 'none';
  let done: Installed = { settled: null, committed: null };
  try {
    left = await recover(entry, context);
    if (left !== 'completed' || entry.phase !== 'installing') done = await install(await goOn(entry, context), context);
  } catch (error) {
    if (!(await completedAfterAll(entry, left, error, context))) throw error;
  }
  await keepRemovalScripts(entry, context);
  const { settled, committed } = done;
  state.recordInstalled(entry.id, { ...receiptFor(entry.action, context), settled }, committed);
  return finish(entry, settled, context);
}

function receiptNow({ basename }: InstallEntry, { state }: ActingContext): Receipt | undefined {
  return state.receipts().find((receipt) => receipt.basename === basename);
}

/** Its removal must not depend on the depot; but an installed package is not undone for want of them. */
async function keepRemovalScripts({ action }: InstallEntry, { scripts, report }: ActingContext): Promise<void> {
  const { edition, preRemove, postRemove } = action.edition;
  const wanted = [preRemove, postRemove].filter((script) => script !== null);
  await scripts.keep(wanted).catch((error: unknown) => {
    const text = `its scripts for removal could not be kept here: ${(error as Error).message}`;
    report({ type: 'warning', target: edition, text });
  });
}

/** Clears up what a cut run has left beside the target. */
async function recover({ id, action, phase }: InstallEntry, { driverFor, paths }: ActingContext): Promise<Left> {
  const { edition } = action;
  return driverFor(edition).recover({
    edition,
    root: paths.root,
    staging: stagingName(id),
    begun: phase === 'installing',
  });
}

/**
 * A removal that was cut half-way is carried through first, its post-remove script included: whatever comes of the rest, no receipt
 * may stand for less.
 */
async function goOn(entry: InstallEntry, context: ActingContext): Promise<InstallEntry> {
  const { replaces } = entry.action;
  if ((entry.phase !== 'removing' && entry.phase !== 'removed') || replaces === null) return entry;
  if (entry.phase === 'removing') await removeInstalled(replaces, entry.id, 'removed', context);
  await endRemoval(entry, replaces, context);
  return { ...entry, phase: 'gated' };
}

/** What is owed once the edition before is gone. */
async function endRemoval(
  { id, action, retries }: InstallEntry,
  replaces: Receipt,
  context: ActingContext,
): Promise<void> {
  const attention = await tellAfterRemoval(replaces, action, retries, context);
  if (attention !== null) context.report({ type: 'warning', target: replaces.edition, text: attention });
  context.state.enter(id, 'gated');
}

/** What an install came to. */
interface Installed {
  /** Why the installer was not needed, when a script said so; null when it ran. */
  settled: string | null;
  /** What it put in place; null when nothing is known but what was prepared. */
  committed: Committed | null;
}

async function install(entry: InstallEntry, context: ActingContext): Promise<Installed> {
  const { edition } = entry.action;
  const prepared = await prepare(entry, context);
  try {
    if (entry.phase !== 'installing') {
      context.signal.throwIfAborted();
      if (isUntouched(entry, context)) await refuseRunning(entry.action, context);
      const verdict = await removeAndPassGates(entry, context);
      if (verdict.kind === 'settle') {
        await prepared.rollback();
        return { settled: verdict.reason, committed: null };
      }
    }
    context.state.enterInstalling(entry.id, edition.basename, prepared.paths, newFolders(prepared, context));
    context.report({ type: 'detail', target: edition.edition, text: 'installing' });
    return { settled: null, committed: await prepared.commit() };
  } catch (error) {
    // What cannot be cleared up now is found by its name: the failure itself is what has to be told.
    await prepared.rollback().catch(() => undefined);
    throw error;
  }
}

/** Whether nothing was changed for it yet: only then may it still be dropped. */
function isUntouched({ id }: InstallEntry, { state }: ActingContext): boolean {
  return state.phaseOf(id) === 'fetched';
}

async function prepare(entry: InstallEntry, context: ActingContext): Promise<PreparedInstall> {
  const { edition } = entry.action;
  const { depot, report, paths, signal } = context;
  if (depot === null)
    throw new D3Error('NO_DEPOT', 'usage', 'No depot is known to fetch from.', { target: edition.edition });
  report({ type: 'detail', target: edition.edition, text: 'fetching' });
  requireFree(context.rootfs.freeBytes(), Math.max(installedBytes(edition), edition.file.size), edition.edition);
  const fetched = await fetchPackage({
    depot,
    file: edition.file,
    folder: paths.packages,
    signal,
    ...telling(edition.edition, report),
  });
  try {
    if (entry.phase === 'planned') context.state.enter(entry.id, 'fetched');
    report({ type: 'detail', target: edition.edition, text: 'checking' });
    const prepared = await context.driverFor(edition).prepare({ edition, ...fetched }, targetOf(entry, context));
    for (const text of prepared.warnings)
      report({ type: 'warning', target: null, text: `${edition.edition}: ${text}` });
    return prepared;
  } finally {
    await fetched.handle.close();
  }
}

/** As the packages in it declare. */
function installedBytes({ applePackages, debianPackage }: Edition): number {
  const declared = [...applePackages, ...(debianPackage === undefined ? [] : [debianPackage])];
  return declared.reduce((sum, pkg) => sum + pkg.installedKb * 1024, 0);
}

function targetOf({ id, action }: InstallEntry, context: ActingContext): InstallTarget {
  const { paths, signal, report } = context;
  const { force, replaces, removeFirst, edition } = action;
  return {
    root: paths.root,
    staging: stagingName(id),
    signal,
    force,
    replaces: replaces !== null && isInstalled(replaces, context) ? replaces : null,
    removeFirst,
    say: (text) => report({ type: 'detail', target: edition.edition, text: printable(text) }),
    advance: (percent) =>
      report({ type: 'advance', target: edition.edition, done: percent, total: 100, unit: 'percent' }),
  };
}

/** An installer's words may hold anything. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, ' ').slice(0, 500);
}

type Passed = Awaited<ReturnType<typeof askBeforeRemoval>>;

async function removeAndPassGates(entry: InstallEntry, context: ActingContext): Promise<Passed> {
  if (context.removeFirst === 'seed') await removeOld(entry, context);
  context.state.enter(entry.id, 'gated');
  const verdict = await askBeforeInstall(entry, context);
  if (verdict.kind === 'proceed' && context.removeFirst === 'after-gate') await removeOld(entry, context);
  return verdict;
}

/** The whole removal of the edition before, its scripts included. */
async function removeOld(entry: InstallEntry, context: ActingContext): Promise<void> {
  const { action, retries, id } = entry;
  const { replaces } = action;
  if (!action.removeFirst || replaces === null || !isInstalled(replaces, context)) return;
  const verdict = await askBeforeRemoval(replaces, action, retries, context);
  if (verdict.kind === 'settle') {
    context.state.recordRemoved(id, replaces.basename, [], 'gated');
    return;
  }
  await removeInstalled(replaces, id, 'removed', context);
  await endRemoval(entry, replaces, context);
}

async function askBeforeInstall({ action, retries }: InstallEntry, context: ActingContext): Promise<Passed> {
  const { plugins, room, identity } = context;
  const { basename, edition, preInstall, postInstall } = action.edition;
  const environment = actionEnvironment(identity, action, retries);
  if (preInstall !== null) environment['D3_RUNNING_PRE_INSTALL'] = edition;
  const question = {
    event: 'install',
    basename,
    edition,
    script: preInstall,
    later: postInstall,
    environment,
  } as const;
  return passed(await plugins.before(question, room), edition);
}

/** Tells those who listen, the post-install script among them. @returns what went wrong, or null */
async function tellAfterInstall({ action, retries }: InstallEntry, context: ActingContext): Promise<string | null> {
  const { plugins, room, identity } = context;
  const { basename, edition, postInstall } = action.edition;
  const environment = actionEnvironment(identity, action, retries);
  if (postInstall !== null) environment['D3_RUNNING_POST_INSTALL'] = edition;
  return plugins.after({ event: 'install', basename, edition, script: postInstall, later: null, environment }, room);
}

/** Folders the install is about to make: only those may ever be removed again. */
function newFolders(prepared: PreparedInstall, { rootfs }: ActingContext): string[] {
  const folders = new Set<string>();
  for (const entry of prepared.paths) {
    const start = entry.type === 'dir' ? entry.path : path.dirname(entry.path);
    for (let at = start; at !== '/' && !folders.has(at) && rootfs.kind(at) === 'absent'; at = path.dirname(at))
      folders.add(at);
  }
  return [...folders];
}

function isInstalled({ basename, id }: { basename: string; id: number }, { state }: ActingContext): boolean {
  return state.receipts().some((receipt) => receipt.basename === basename && receipt.id === id);
}

/**
 * Deals with a failure: ends the action, or leaves it in the journal for the next run.
 * @param left what recovery had found before
 * @returns true when everything is in place all the same
 */
async function completedAfterAll(
  entry: InstallEntry,
  left: Left,
  error: unknown,
  context: ActingContext,
): Promise<boolean> {
  const phase = context.state.phaseOf(entry.id);
  if (phase === 'recorded') return false;
  const bySystem = isBySystem(entry, context);
  if (phase === 'installing' && !bySystem) {
    // Only a commit that could not be taken back leaves something here.
    const after = await recover(entry, context).catch(() => null);
    if (after === null) return false;
    if (after === 'completed') return true;
  }
  if (staysOpen(entry, phase, error, context)) return false;
  // The cut came between the end of the commit and its record: nothing is left beside the target, all is in its place.
  if (!bySystem && entry.phase === 'installing' && left === 'none' && isWhole(entry, context)) return true;
  giveUp(entry, phase, context);
  return false;
}

/** The system's installer undoes nothing, and says itself whether it came to its end. */
function isBySystem({ action }: InstallEntry, { driverFor, paths }: ActingContext): boolean {
  return driverFor(action.edition).installedBy(paths.root) === 'system';
}

function isWhole({ id }: InstallEntry, { state, rootfs }: ActingContext): boolean {
  return state.installing(id).every((path) => rootfs.holds(path.path, path));
}

/** Whether a failed action is left for the next run: it stands half-way, or what failed may go well then. */
function staysOpen(
  entry: InstallEntry,
  phase: JournalEntry['phase'] | null,
  error: unknown,
  context: ActingContext,
): boolean {
  if (phase === null || phase === 'planned' || phase === 'fetched') return false;
  if (phase === 'removing' || phase === 'removed') return true;
  const resumed = entry.phase === 'gated' || entry.phase === 'installing';
  return (context.signal.aborted || mayPass(error)) && (resumed || wasRemoved(entry, context));
}

/** A failure that may be gone at the next run; anything else would fail for ever. */
function mayPass(error: unknown): boolean {
  return (
    !(error instanceof D3Error) ||
    error.exit === 'depotUnreachable' ||
    error.exit === 'failed' ||
    error.exit === 'busy' ||
    error.exit === 'usage'
  );
}

function wasRemoved({ action }: InstallEntry, context: ActingContext): boolean {
  return action.removeFirst && action.replaces !== null && !isInstalled(action.replaces, context);
}

/** The install was undone; nothing of it is on the machine. What was removed first stays removed. */
function giveUp(entry: InstallEntry, phase: JournalEntry['phase'] | null, context: ActingContext): void {
  const { action, id } = entry;
  const { state, rootfs, report } = context;
  if (phase === 'installing') {
    const absent = state.createdFolders().filter((folder) => rootfs.kind(folder) === 'absent');
    state.abandonInstalling(id, absent);
    if (isBySystem(entry, context)) {
      const text = `${action.edition.edition}: what the installer may have left of it stays, on the system's own records`;
      report({ type: 'warning', target: null, text });
    }
  } else state.end(id);
  if (wasRemoved(entry, context)) {
    const text = `${action.replaces?.edition} had been removed first: no ${action.edition.basename} is installed now`;
    report({ type: 'warning', target: null, text });
  }
}

/** What comes after the receipt: the post-install script, unless none was needed; its failure is said and undoes nothing. */
async function finish(entry: InstallEntry, settled: string | null, context: ActingContext): Promise<Carried> {
  const { id, action } = entry;
  const { state, paths } = context;
  const attention = settled === null ? await tellAfterInstall(entry, context) : null;
  if (attention !== null) state.changeReceipt(action.edition.basename, { attention });
  try {
    if (settled === null && isSelf(action.edition)) await goOver(action, context);
  } finally {
    state.end(id);
  }
  const { sha256 } = action.edition.file;
  if (!filesNeeded(state).has(sha256)) await dropPackage(paths.packages, sha256);
  return { settled, attention };
}

function receiptFor(action: InstallAction, { clock }: ActingContext): Receipt {
  const receipt = newReceipt(action.edition, { ...action, at: clock.now().toISOString() });
  // As with the files, what the edition before was made of stays its own until the basename is removed.
  const before = action.removeFirst ? [] : (action.replaces?.applePackageIds ?? []);
  return { ...receipt, applePackageIds: [...new Set([...(receipt.applePackageIds ?? []), ...before])] };
}
