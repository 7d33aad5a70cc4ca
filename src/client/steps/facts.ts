import type { Json } from '@d3/sdk';
import { indexCatalog } from '../../catalog/resolve.ts';
import type { Catalog } from '../../catalog/types.ts';
import type { PluginRoom } from '../../lifecycle/plugins.ts';
import { gatherMachineFacts } from '../../platform/machine.ts';
import { hashOf } from '../computer.ts';
import { withProvisioning } from '../provisioning.ts';
import { StateReader } from '../state/state.ts';
import { subjectHere } from '../subject.ts';
import { keptCatalog } from './catalog.ts';
import type { StepParts } from './parts.ts';

/** What is so on this machine now: what conditions of steps and scopes of policies ask. */
export interface StepFacts {
  machine: Json;
  /** Installed packages by basename. */
  installed: Json;
  /** Editions that wait for a restart. */
  queued: Json;
  provisioning: Record<string, string>;
  /** Ids of the groups this machine is in. */
  groupIds: number[];
}

/** @param known the catalog to tell groups by; null: the one seen last */
export async function gatherStepFacts(
  { machine }: Pick<StepParts, 'machine'>,
  known: Catalog | null,
  room: PluginRoom,
): Promise<StepFacts> {
  const { paths, depot, plugins } = machine;
  const catalog = known ?? (depot === null ? null : ((await keptCatalog(depot).catch(() => null))?.catalog ?? null));
  const state = StateReader.open(paths);
  try {
    const id = state.computerId();
    const host = await withProvisioning(await gatherMachineFacts(paths.root, paths.facts), id, plugins, room);
    const index = indexCatalog(catalog ?? { schema: 'd3/catalog@1', generation: 0, editions: [], groups: [] });
    const groupIds = id === null ? [] : [...index.groupsOf(hashOf(id), subjectHere(host, state, machine.clock.now()))];
    const { name, os, cpu, user, processes, provisioning } = host;
    return {
      machine: {
        name,
        root: paths.root,
        os: { name: os.name, version: os.version },
        cpu,
        user,
        groups: groupIds.map((group) => index.groupName(group) ?? String(group)),
        processes,
      },
      installed: Object.fromEntries(
        state
          .receipts()
          .map(({ basename, edition, version, piloting, frozen }) => [
            basename,
            { edition, version, piloting, frozen: frozen !== null },
          ]),
      ),
      queued: state.deferred().map(({ edition }) => edition.edition),
      provisioning,
      groupIds,
    };
  } finally {
    state.close();
  }
}
