import { asIoError } from '../errors.ts';
import { readJournal } from './journal.ts';
import { StagingFolder } from './staging.ts';
import type { StepHook } from './steps.ts';
import { realRoot, Target } from './target.ts';
import { undo } from './undo.ts';

/**
 * Cleans up after a process that was killed while it staged or committed under a fixed staging name. The target is as
 * before afterwards (`rolled-back`), or the commit had reached its end and stays (`completed`); the staging is gone.
 * `none` when there is no such staging. Must not run while that process is still alive.
 * Throws FlatpkgError: `refused` when the folder is not one that this user could have made.
 */
export async function recoverStaging(root: string, stagingName: string): Promise<'none' | 'rolled-back' | 'completed'> {
  return recoverWith(root, stagingName, () => {});
}

/** `recoverStaging` with its inner switch. */
export async function recoverWith(
  root: string,
  stagingName: string,
  onStep: StepHook,
): Promise<'none' | 'rolled-back' | 'completed'> {
  const hostRoot = realRoot(root);
  const staging = new StagingFolder(hostRoot, stagingName);
  try {
    if (staging.exists()) return recover(new Target(hostRoot, stagingName), staging, onStep);
    if (!staging.doneExists()) return 'none';
    staging.removeDone();
    return 'completed';
  } catch (error) {
    throw asIoError(error, 'recovering an interrupted extraction', stagingName);
  }
}

function recover(target: Target, staging: StagingFolder, onStep: StepHook): 'rolled-back' | 'completed' {
  // Left over from an earlier extraction under the same name.
  if (staging.doneExists()) staging.removeDone();
  const journal = readJournal(staging);
  if (journal?.state === 'moved') {
    onStep('finish');
    staging.finish();
    return 'completed';
  }
  if (journal !== null) undo(journal.intent, staging, (absolute) => target.host(absolute), onStep);
  onStep('remove');
  staging.remove();
  return 'rolled-back';
}
