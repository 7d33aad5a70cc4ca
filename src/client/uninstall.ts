import { D3Error, type Reporter } from '@d3/sdk';
import type { InstallerDriver } from '../installers/index.ts';
import type { GateVerdict } from '../lifecycle/judge.ts';
import type { Receipt } from '../planner/receipt.ts';
import type { Action } from '../planner/types.ts';
import type { ActingContext } from './context.ts';
import { actionEnvironment } from './environment.ts';
import { refuseRunning } from './processes.ts';
import { prepareRemoval, type Removal } from './removal.ts';
import type { JournalEntry, JournalledAction, Phase } from './state/state.ts';

type UninstallAction = Extract<Action, { kind: 'uninstall' }>;
type UninstallEntry = JournalEntry & { action: UninstallAction };

/** What an action came to, beyond being done. */
export interface Carried {
  /** Why no installer or removal was needed: a script took it as done. */
  settled: string | null;
  /** What went wrong after it was done. */
  attention: string | null;
}

/** Carries out an uninstall, or goes on with one that was cut. */
export async function carryOutUninstall(entry: UninstallEntry, context: ActingContext): Promise<Carried> {
  const { receipt } = entry.action;
  const { state } = context;
  if (entry.phase === 'planned') {
    const verdict = await mayRemove(entry, context).catch((error: unknown) => {
      state.end(entry.id);
      throw error;
    });
    if (verdict.kind === 'settle') {
      state.forget(receipt.basename);
      return { settled: verdict.reason, attention: null };
    }
  }
  if (entry.phase !== 'recorded') await removeOrGiveUp(entry, context);
  const attention = await tellAfterRemoval(receipt, entry.action, entry.retries, context);
  state.end(entry.id);
  return { settled: null, attention };
}

/** With force a removal that fails costs the record all the same: that is what a receipt nothing helps is got rid of with. */
async function removeOrGiveUp({ id, action }: UninstallEntry, context: ActingContext): Promise<void> {
  const { receipt, force } = action;
  const { state, report } = context;
  try {
    await removeInstalled(receipt, id, 'recorded', context);
  } catch (error) {
    if (!force) {
      if (state.phaseOf(id) === 'planned') state.end(id);
      throw error;
    }
    const text = `not all of it could be removed (${(error as Error).message}); with force its record goes all the same`;
    report({ type: 'warning', target: receipt.edition, text });
    state.recordRemoved(id, receipt.basename, [], 'recorded');
  }
}

type GatePassed = Exclude<GateVerdict, { kind: 'refuse' }>;

async function mayRemove({ action, retries }: UninstallEntry, context: ActingContext): Promise<GatePassed> {
  await refuseRunning(action, context);
  return askBeforeRemoval(action.receipt, action, retries, context);
}

/** Asks whoever answers for the pre-remove script. @throws D3Error refused (30) or scriptFailed (31) */
export async function askBeforeRemoval(
  receipt: Receipt,
  action: JournalledAction,
  retries: number,
  { plugins, room, identity }: ActingContext,
): Promise<GatePassed> {
  const { basename, edition, preRemove, postRemove } = receipt;
  const environment = removalEnvironment(receipt, action, actionEnvironment(identity, action, retries));
  if (preRemove !== null) environment['D3_RUNNING_PRE_REMOVE'] = edition;
  const question = {
    event: 'uninstall',
    basename,
    edition,
    script: preRemove,
    later: postRemove,
    environment,
  } as const;
  return passed(await plugins.before(question, room), edition);
}

/** Tells those who listen, the post-remove script among them. @returns what went wrong, or null */
export async function tellAfterRemoval(
  receipt: Receipt,
  action: JournalledAction,
  retries: number,
  { plugins, room, identity }: ActingContext,
): Promise<string | null> {
  const { basename, edition, postRemove } = receipt;
  const environment = removalEnvironment(receipt, action, actionEnvironment(identity, action, retries));
  if (postRemove !== null) environment['D3_RUNNING_POST_REMOVE'] = edition;
  return plugins.after({ event: 'uninstall', basename, edition, script: postRemove, later: null, environment }, room);
}

function removalEnvironment(
  { edition }: Receipt,
  action: JournalledAction,
  environment: Record<string, string>,
): Record<string, string> {
  if (action.kind === 'uninstall') return environment;
  return { ...environment, D3_UNINSTALLING: edition, D3_UNINSTALLING_BEFORE_INSTALL: edition };
}

/** @throws D3Error when the gate refused */
export function passed(verdict: GateVerdict, edition: string): GatePassed {
  if (verdict.kind !== 'refuse') return verdict;
  const code = verdict.exit === 'scriptFailed' ? 'SCRIPT_REFUSED' : 'GATE_REFUSED';
  throw new D3Error(code, verdict.exit, verdict.reason, { target: edition });
}

/** Removes files and record of a receipt, then enters the next phase of the action it happens in. */
export async function removeInstalled(
  receipt: Receipt,
  actionId: number,
  next: Phase,
  context: ActingContext,
): Promise<void> {
  const { state, report, paths } = context;
  const driver = hasItsOwn(receipt) ? context.driverFor(receipt) : null;
  if (driver !== null && (await removedBySystem(driver, receipt, actionId, next, context))) return;
  const remove = await prepareRemoval(receipt, context);
  state.enter(actionId, 'removing');
  report({ type: 'detail', target: receipt.edition, text: 'removing' });
  const removal = remove();
  tellRemoval(removal, receipt, report);
  for (const text of (await driver?.forget?.(receipt, paths.root)) ?? [])
    report({ type: 'warning', target: receipt.edition, text });
  if (isWithoutFiles(receipt, context)) {
    const text = `nothing says which files ${receipt.edition} has put here: its record goes, its files stay`;
    report({ type: 'warning', target: null, text });
  }
  state.recordRemoved(actionId, receipt.basename, removal.goneFolders, next);
}

/** What a script took as installed, no installer has on record. */
function hasItsOwn({ settled }: Receipt): boolean {
  return settled === undefined || settled === null;
}

/** @returns false when the system has no means of its own for it, and nothing was changed */
async function removedBySystem(
  driver: InstallerDriver,
  receipt: Receipt,
  actionId: number,
  next: Phase,
  { state, rootfs, report, paths, identity }: ActingContext,
): Promise<boolean> {
  if (driver.uninstall === undefined) return false;
  state.enter(actionId, 'removing');
  report({ type: 'detail', target: receipt.edition, text: 'removing' });
  try {
    if (!(await driver.uninstall(receipt, paths.root, identity.force))) return false;
  } catch (error) {
    // The system has on record what it did, and d3's receipt stands: nothing is left half-way that d3 could go on with.
    state.enter(actionId, next === 'recorded' ? 'planned' : 'fetched');
    throw error;
  }
  const gone = state.createdFolders().filter((folder) => rootfs.kind(folder) === 'absent');
  state.recordRemoved(actionId, receipt.basename, gone, next);
  return true;
}

/** As records are that were taken over from the ancestor. */
function isWithoutFiles({ basename, settled }: Receipt, { state }: ActingContext): boolean {
  return !settled && state.manifest(basename).length === 0;
}

/** More are counted only; all of them are details. */
const TOLD = 20;

function tellRemoval({ kept, bundles, removed }: Removal, receipt: Receipt, report: Reporter): void {
  const unexpected = kept.filter(({ isShared }) => !isShared);
  for (const [index, { path, why }] of unexpected.entries())
    report({ type: index < TOLD ? 'warning' : 'detail', target: null, text: `${path} was left alone: ${why}` });
  if (unexpected.length > TOLD) {
    const text = `${unexpected.length - TOLD} more paths of ${receipt.edition} were left alone; -v tells which`;
    report({ type: 'warning', target: null, text });
  }
  for (const { path, why, isShared } of kept)
    if (isShared) report({ type: 'detail', target: null, text: `${path} was left alone: ${why}` });
  for (const { path, others } of bundles) {
    const added = others === 0 ? '' : `, with ${others} ${others === 1 ? 'file' : 'files'} it had not come with`;
    report({ type: 'detail', target: receipt.edition, text: `removed ${path} as a whole${added}` });
  }
  if (receipt.settled !== undefined && receipt.settled !== null) {
    const text = `${receipt.edition} was settled by a script: d3 installed nothing of it and removes only what earlier editions left (${removed.length} files)`;
    report({ type: 'note', target: null, text });
  }
}
