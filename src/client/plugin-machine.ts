import type { MachinePort, MachineRecord, ProvisioningPort, SyncPort } from '@d3/sdk';
import { gatherMachineFacts } from '../platform/machine.ts';
import { noDepot } from './no-depot.ts';
import { roomOutside } from './room.ts';
import { type Machine, type RunOptions, runRequest } from './run.ts';
import { ScriptBlobs } from './script-blobs.ts';
import { StateReader } from './state/state.ts';
import type { StepRuns } from './step-runs.ts';

type Options = Pick<RunOptions, 'wait' | 'debug' | 'parent' | 'signal' | 'report'>;

/** What a plugin is told of this machine. */
export async function machineFacts(machine: Machine, runs: StepRuns): ReturnType<MachinePort['facts']> {
  const { paths } = machine;
  const { name, serial, hardwareUuid, model, os, user } = await gatherMachineFacts(paths.root, paths.facts);
  const { machine: known } = await runs.facts();
  const { groups } = known as { groups: readonly string[] };
  return { computer: computerOf(machine), name, serial, hardwareUuid, model, os, user, groups };
}

/** What is said of this machine: by a plugin that asks whoever keeps its record, else by the depot. */
export async function recordHere(
  machine: Machine,
  { signal, report }: Pick<Options, 'signal' | 'report'>,
): ReturnType<MachinePort['record']> {
  const { depot } = machine;
  const elsewhere = await elsewhereOf(machine, { signal, report }).resolve(null);
  if (elsewhere !== null) return asRecord(elsewhere.record);
  if (depot === null) throw noDepot();
  const computer = computerOf(machine);
  if (computer === null) return null;
  return asRecord(await depot.record(computer));
}

/** Whoever keeps this machine's record elsewhere than in the depot. */
export function elsewhereOf(
  machine: Machine,
  { signal, report }: Pick<Options, 'signal' | 'report'>,
): ProvisioningPort {
  const { depot, paths, plugins } = machine;
  const here = async () => {
    const host = await gatherMachineFacts(paths.root, paths.facts);
    const room = roomOutside({ paths, host, scripts: new ScriptBlobs(paths.scripts, depot), signal, report });
    return { room, claims: { serial: host.serial, udid: host.hardwareUuid, here: true } };
  };
  return {
    async resolve(login) {
      const { room, claims } = await here();
      return (await plugins.provisioned({ ask: 'resolve', record: claims, login }, room))?.answer ?? null;
    },
    async named(name, login) {
      const { room } = await here();
      return (await plugins.provisioned({ ask: 'resolve', record: { name }, login }, room))?.answer ?? null;
    },
    async choices(login) {
      const { room } = await here();
      return (await plugins.provisioned({ ask: 'choices', record: {}, login }, room))?.answer ?? null;
    },
    async write(change, login) {
      const { room, claims } = await here();
      const question = { ask: 'write', record: { ...claims, change }, login } as const;
      return (await plugins.provisioned(question, room))?.answer ?? null;
    },
    async stands(state) {
      const { room } = await here();
      await plugins.provisioningState(state, room);
    },
  };
}

function asRecord(record: MachineRecord | null): MachineRecord | null {
  if (record === null) return null;
  const { name, department, building, site, attributes } = record;
  return { name, department, building, site, attributes };
}

function computerOf({ paths }: Machine): string | null {
  const state = StateReader.open(paths);
  try {
    return state.computerId();
  } finally {
    state.close();
  }
}

/** A sync, for a plugin that has the machine patched. */
export function pluginSync(machine: Machine, options: Options): SyncPort {
  const request = { kind: 'sync', force: false, puppies: true } as const;
  const run = (admin: string, dryRun: boolean) =>
    runRequest(request, machine, { ...options, command: 'sync', admin, dryRun, notify: false });
  return {
    async pending() {
      const { plan } = await run('', true);
      return plan.decisions.flatMap(({ target, edition, action }) =>
        action === null ? [] : [{ target, edition, action: action.kind }],
      );
    },
    async run(by) {
      const { exit, outcomes, restart } = await run(by, false);
      const named = ({ edition, target }: { edition: string | null; target: string }) => edition ?? target;
      return {
        exit,
        restart,
        failed: outcomes.flatMap(({ problem, text, ...outcome }) =>
          problem === null ? [] : [{ target: named(outcome), text }],
        ),
        done: outcomes.flatMap((outcome) =>
          ['installed', 'settled', 'uninstalled', 'refreshed'].includes(outcome.status) ? [named(outcome)] : [],
        ),
      };
    },
  };
}
