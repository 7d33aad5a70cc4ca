import type { ExitName } from '@d3/sdk';
import { cpuByName, osAllowed } from '../catalog/limits.ts';
import type { CatalogIndex } from '../catalog/resolve.ts';
import { SLOT_NAMES } from '../catalog/slots.ts';
import type { Edition, GroupRef, ScriptSlot } from '../catalog/types.ts';
import { driftObstacles } from './drift.ts';
import { processObstacles } from './processes.ts';
import { reason } from './reasons.ts';
import type { Receipt } from './receipt.ts';
import type { Facts, Reason, Verdict } from './types.ts';

/** Basename of the editions of d3 itself. */
export const SELF = 'd3';

/** Something that stands against an action. */
export interface Obstacle {
  reason: Reason;
  /** How it counts in a sync, where nobody asked for the edition by name. */
  inSync: Extract<Verdict, 'held' | 'blocked'>;
  exit: ExitName;
  actions: string[];
}

export interface Leave {
  force: boolean;
  /** Whether what needs a restart is installed now; else it is only queued. */
  puppies: boolean;
}

/**
 * All that stands against installing an edition here, in the order it is checked.
 * Force lifts exclusion and running processes only.
 * @param removes the receipt that is to be removed first, if any
 */
export function obstaclesToInstall(
  edition: Edition,
  removes: Receipt | null,
  facts: Facts,
  index: CatalogIndex,
  leave: Leave,
): Obstacle[] {
  return [
    ...lastingObstacles(edition, facts),
    ...overItself(edition, facts),
    ...driftObstacles(edition.basename, edition.debianPackage?.version ?? null, facts, leave.force),
    ...exclusion(edition, facts, index, leave.force),
    // What is only queued for a restart disturbs no program.
    ...(edition.reboot && !leave.puppies
      ? []
      : processObstacles(
          [...edition.prohibitingProcesses, ...(removes?.prohibitingProcesses ?? [])],
          edition.basename,
          facts,
          leave.force,
        )),
    ...unansweredScripts(edition.edition, scriptsOf(edition, ['preInstall', 'postInstall']), facts),
    ...(removes === null
      ? []
      : unansweredScripts(removes.edition, scriptsOf(removes, ['preRemove', 'postRemove']), facts)),
  ];
}

/** All that stands against removing what a receipt stands for. */
export function obstaclesToUninstall(receipt: Receipt, facts: Facts, force: boolean): Obstacle[] {
  const obstacles: Obstacle[] = [];
  if (!receipt.removable) {
    obstacles.push({
      reason: reason('NOT_REMOVABLE', { edition: receipt.edition }),
      inSync: 'held',
      exit: 'refused',
      actions: [
        `an admin can allow it: d3admin edit ${receipt.edition} --removable y`,
        `or drop only the record: d3 forget ${receipt.basename}`,
      ],
    });
  }
  return [
    ...obstacles,
    ...driftObstacles(receipt.basename, null, facts, force),
    ...processObstacles(receipt.prohibitingProcesses, receipt.basename, facts, force),
    ...unansweredScripts(receipt.edition, scriptsOf(receipt, ['preRemove', 'postRemove']), facts),
  ];
}

/** Whether a machine of this kind may ever have the edition: file, OS, CPU, capabilities. Force never lifts these. */
export function lastingObstacles(edition: Edition, facts: Facts): Obstacle[] {
  const obstacles: Obstacle[] = [];
  const { os, cpu } = facts.machine;
  if (edition.status === 'missing') {
    obstacles.push({
      reason: reason('MISSING_FILE', { edition: edition.edition }),
      inSync: 'blocked',
      exit: 'notFound',
      actions: ['an admin has to add the package again as a new revision'],
    });
  }
  if (!osAllowed(edition.oses, os)) {
    obstacles.push({
      reason: reason('WRONG_OS', { edition: edition.edition, limits: edition.oses, os: `${os.name} ${os.version}` }),
      inSync: 'held',
      exit: 'refused',
      actions: [],
    });
  }
  if (edition.cpu !== null && cpuByName(cpu) !== edition.cpu) {
    obstacles.push({
      reason: reason('WRONG_CPU', { edition: edition.edition, wanted: edition.cpu, cpu }),
      inSync: 'held',
      exit: 'refused',
      actions: [],
    });
  }
  const { format } = edition.file;
  if (facts.machine.formats !== undefined && !facts.machine.formats.includes(format)) {
    obstacles.push({
      reason: reason('WRONG_FORMAT', { edition: edition.edition, format }),
      inSync: 'held',
      exit: 'refused',
      actions: [],
    });
  }
  const unknown = edition.requires.filter((capability) => !facts.capabilities.includes(capability));
  if (unknown.length > 0) {
    obstacles.push({
      reason: reason('NEEDS_NEWER_D3', { edition: edition.edition, capabilities: unknown }),
      inSync: 'blocked',
      exit: 'refused',
      actions: ['update d3 on this machine'],
    });
  }
  return obstacles;
}

/** Versions of d3 stand beside each other, so that one that does not start can go again: another revision would take the place of the one that runs. */
function overItself({ basename, id, edition, version }: Edition, { receipts }: Facts): Obstacle[] {
  const installed = receipts.find((receipt) => receipt.basename === SELF);
  if (basename !== SELF || installed === undefined || installed.id === id || installed.version !== version) return [];
  return [
    {
      reason: reason('OVER_ITSELF', { edition, installed: installed.edition, version }),
      inSync: 'blocked',
      exit: 'refused',
      actions: ['an admin has to add it again under a version of its own'],
    },
  ];
}

/** Whether the machine is in a group the edition is kept from. */
export function exclusion(edition: Edition, facts: Facts, index: CatalogIndex, force: boolean): Obstacle[] {
  const groups = groupsHere(edition.excludedGroups, facts, index);
  if (groups.length === 0 || force) return [];
  return [
    {
      reason: reason('EXCLUDED', { edition: edition.edition, groups: groups.map((group) => groupWords(group, index)) }),
      inSync: 'held',
      exit: 'refused',
      actions: ['use -f to do it all the same'],
    },
  ];
}

/** Those of an edition's groups that this machine is in. A deleted group scopes nothing, whatever the facts say. */
export function groupsHere(groups: readonly GroupRef[], { machine }: Facts, index: CatalogIndex): GroupRef[] {
  return groups.filter(
    (group) => group === 'standard' || (machine.groups.includes(group) && index.groupName(group) !== undefined),
  );
}

export function groupWords(group: number | 'standard', index: CatalogIndex): string {
  return group === 'standard' ? 'standard' : (index.groupName(group) ?? `deleted group ${group}`);
}

function scriptsOf<Slot extends ScriptSlot>(holder: Record<Slot, unknown>, slots: readonly Slot[]): Slot[] {
  return slots.filter((slot) => holder[slot] !== null);
}

function unansweredScripts(edition: string, slots: readonly ScriptSlot[], facts: Facts): Obstacle[] {
  if (slots.length === 0 || facts.scriptRunners.length > 0) return [];
  return [
    {
      reason: reason('SCRIPTS_UNANSWERED', { edition, scripts: slots.map((slot) => SLOT_NAMES[slot]) }),
      inSync: 'blocked',
      exit: 'refused',
      actions: [
        'run d3 with its scripts plugin, so not in safe mode',
        `or leave the script off: d3admin edit ${edition} -e none`,
      ],
    },
  ];
}
