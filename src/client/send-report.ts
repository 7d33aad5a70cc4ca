import { EXIT_CODES } from '@d3/sdk';
import { gatherMachineFacts } from '../platform/machine.ts';
import { newRunId } from '../run-id.ts';
import { joinOrLock } from './lock.ts';
import { withProvisioning } from './provisioning.ts';
import { deliverReports, makeReport } from './report.ts';
import { roomOf } from './room.ts';
import type { Machine, RunOptions } from './run.ts';
import { ScriptBlobs } from './script-blobs.ts';
import { openOrRebuild } from './state/rebuild.ts';

type SendOptions = Pick<RunOptions, 'command' | 'wait' | 'parent' | 'signal' | 'report'>;

/** Tells the depot what this machine is and has now, without doing anything else. What cannot go now goes with the next run. */
export async function sendReport(machine: Machine, options: SendOptions): Promise<void> {
  const { paths, depot, plugins, clock, version } = machine;
  const { command, wait, parent, signal, report } = options;
  const lock = await joinOrLock({ paths, parent, command, wait, clock, signal, onWait: () => undefined });
  try {
    const { state } = openOrRebuild(paths, clock.now());
    try {
      const found = await gatherMachineFacts(paths.root, paths.facts);
      const room = roomOf({
        paths,
        host: found,
        state,
        scripts: new ScriptBlobs(paths.scripts, depot),
        signal,
        report,
      });
      const host = await withProvisioning(found, state.computerId(), plugins, room);
      const at = clock.now();
      state.queueReport(
        makeReport({
          run: newRunId(at),
          at: at.toISOString(),
          command,
          exit: EXIT_CODES.done.code,
          host,
          outcomes: [],
          failure: null,
          version,
          catalogExpires: null,
          state,
        }),
      );
      await deliverReports(state, depot, (text) => report({ type: 'warning', target: null, text }));
    } finally {
      state.close();
    }
  } finally {
    lock.release();
  }
}
