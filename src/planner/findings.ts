import type { CatalogIndex } from '../catalog/resolve.ts';
import type { Edition } from '../catalog/types.ts';
import { groupsHere, groupWords, obstaclesToInstall } from './availability.ts';
import { driftOf, driftReason } from './drift.ts';
import { whichRun } from './processes.ts';
import { pilotsOf } from './reasons.ts';
import type { Receipt } from './receipt.ts';
import type { Action, Decision, Facts, Reason, ReasonCode, Request } from './types.ts';

/** What a finding is about. */
export type Topic =
  | 'depot'
  | 'installed'
  | 'leftover'
  | 'changed'
  | 'pilot'
  | 'frozen'
  | 'removable'
  | 'interrupted'
  | 'queue'
  | 'auto'
  | 'excluded'
  | 'file'
  | 'format'
  | 'system'
  | 'processor'
  | 'capabilities'
  | 'restart'
  | 'processes'
  | 'scripts'
  | 'plugins';

/** One thing that was looked at on the way to a verdict. */
export interface Finding {
  topic: Topic;
  /** It stands against what would be done otherwise. */
  against: boolean;
  text: string;
  data: Reason['data'];
}

/** Where a reason shows among the findings. */
const TOPICS: Partial<Record<ReasonCode, Topic>> = {
  NO_LIVE_EDITION: 'depot',
  EDITION_GONE: 'leftover',
  LEFTOVER_ENDS: 'leftover',
  PILOTING: 'pilot',
  FROZEN: 'frozen',
  NOT_REMOVABLE: 'removable',
  INTERRUPTED: 'interrupted',
  IN_PROGRESS: 'interrupted',
  QUEUED: 'queue',
  ALREADY_QUEUED: 'queue',
  QUEUE_OUTDATED: 'queue',
  GIVEN_UP: 'queue',
  NOT_AUTO: 'auto',
  EXCLUDED: 'excluded',
  MISSING_FILE: 'file',
  OVER_ITSELF: 'installed',
  WRONG_FORMAT: 'format',
  DRIFTED: 'changed',
  WRONG_OS: 'system',
  WRONG_CPU: 'processor',
  NEEDS_NEWER_D3: 'capabilities',
  NEEDS_RESTART: 'restart',
  PROCESS_RUNNING: 'processes',
  SCRIPTS_UNANSWERED: 'scripts',
  PROPOSED: 'plugins',
};

/** What is looked at: one basename, with what a plan decided of it. */
export interface Subject {
  basename: string;
  receipt: Receipt | null;
  edition: Edition | null;
  decisions: readonly Decision[];
  facts: Facts;
}

/** Everything that was looked at, in order. @param index null where the catalog is not at hand */
export function findingsOf(subject: Subject, request: Request, index: CatalogIndex | null): Finding[] {
  const { edition } = subject;
  return [
    ...aboutDepot(subject, index),
    ...aboutReceipt(subject, index),
    ...aboutCut(subject),
    ...aboutQueue(subject),
    ...(edition === null || index === null ? [] : aboutEdition(edition, subject, request, index)),
    ...aboutPlugins(subject),
  ];
}

function aboutDepot({ basename, decisions }: Subject, index: CatalogIndex | null): Finding[] {
  if (index === null)
    return [{ topic: 'depot', against: false, text: 'what it said is not at hand', data: { known: false } }];
  const all = index.ofBasename(basename);
  const live = index.liveOf(basename)?.edition ?? '';
  const pilots = pilotsOf(basename, index);
  const others = all.map((edition) => edition.edition).filter((name) => name !== live && !pilots.includes(name));
  const parts = [
    live === '' ? 'no live edition' : `${live} is live`,
    ...(pilots.length > 0 ? [`pilots: ${pilots.join(', ')}`] : []),
    ...(others.length > 0 ? [`older or missing: ${others.join(', ')}`] : []),
  ];
  const text = all.length === 0 ? `it knows no ${basename}` : parts.join('; ');
  return [{ topic: 'depot', against: standsAgainst('depot', decisions), text, data: { live, pilots, others } }];
}

function aboutReceipt({ receipt, decisions }: Subject, index: CatalogIndex | null): Finding[] {
  if (receipt === null) return [{ topic: 'installed', against: false, text: 'no', data: { edition: '' } }];
  const { edition, admin, installedAt, manual, piloting, frozen, removable } = receipt;
  const how = manual ? `asked for by ${admin}` : 'by itself';
  const found = (topic: Topic, text: string, data: Finding['data']): Finding => {
    return { topic, against: standsAgainst(topic, decisions), text, data };
  };
  const gone = index !== null && index.byId(receipt.id)?.basename !== receipt.basename;
  return [
    found('installed', `${edition}, ${how}, ${installedAt}`, { edition, admin, manual, installedAt }),
    ...(gone ? [found('leftover', leftoverText(receipt), { edition, since: receipt.goneSince ?? '' })] : []),
    found('pilot', piloting ? 'it was installed as a pilot' : 'no', { piloting }),
    found('frozen', frozen === null ? 'no' : `by ${frozen.by}, ${frozen.at}`, { frozen: frozen !== null }),
    found('removable', removable ? 'yes' : 'no', { removable }),
  ];
}

function leftoverText({ edition, goneSince }: Receipt): string {
  const since = goneSince === undefined || goneSince === null ? '' : `, first seen so at ${goneSince}`;
  return `${edition} is no longer in the depot${since}`;
}

function aboutCut({ basename, facts, decisions }: Subject): Finding[] {
  const against = standsAgainst('interrupted', decisions);
  const text = facts.interrupted.includes(basename)
    ? 'an earlier run of it was cut; the next run takes that up first'
    : facts.inProgress.includes(basename)
      ? 'a run that is under way is busy with it now'
      : null;
  return text === null ? [] : [{ topic: 'interrupted', against, text, data: { basename } }];
}

function aboutQueue({ basename, facts, decisions }: Subject): Finding[] {
  const entry = facts.deferred.find(({ edition }) => edition.basename === basename);
  if (entry === undefined) return [];
  const { edition, admin, queuedAt } = entry;
  const text = `${edition.edition}, by ${admin}, ${queuedAt}`;
  const data = { edition: edition.edition, admin, queuedAt };
  return [{ topic: 'queue', against: standsAgainst('queue', decisions), text, data }];
}

/** What the edition asks for, against what this machine is. */
function aboutEdition(edition: Edition, subject: Subject, request: Request, index: CatalogIndex): Finding[] {
  const { receipt, facts, decisions } = subject;
  const { machine, scriptRunners } = facts;
  const leave = {
    force: ('force' in request && request.force) || decisions.some(({ action }) => isForced(action)),
    puppies: 'puppies' in request && request.puppies,
  };
  const removes = edition.removeFirst && receipt !== null && receipt.removable ? receipt : null;
  const obstacles = obstaclesToInstall(edition, removes, facts, index, leave);
  const found = (topic: Topic, otherwise: string, data: Finding['data']): Finding => {
    const why = obstacles.find((candidate) => TOPICS[candidate.reason.code] === topic)?.reason;
    if (why === undefined) return { topic, against: false, text: otherwise, data };
    // What is here already is in nobody's way, unless it is to be installed again.
    const against = edition.id !== receipt?.id || standsAgainst(topic, decisions);
    return { topic, against, text: why.text, data: { ...data, ...why.data } };
  };
  const inGroups = (groups: Edition['autoGroups']) =>
    groupsHere(groups, facts, index).map((group) => groupWords(group, index));
  const [auto, excluded] = [edition.autoGroups, edition.excludedGroups];
  const processes = [...new Set([...edition.prohibitingProcesses, ...(removes?.prohibitingProcesses ?? [])])];
  const scripts = [edition.preInstall, edition.postInstall, removes?.preRemove, removes?.postRemove].flatMap((pin) =>
    pin === null || pin === undefined ? [] : [pin.name],
  );
  const drift = driftOf(edition.basename, facts).map(driftReason);
  const system = `${machine.os.name} ${machine.os.version}`;
  return [
    {
      topic: 'auto',
      against: standsAgainst('auto', decisions),
      text: scopeText(auto, inGroups(auto), index, 'none: it comes only by name'),
      data: { groups: auto.map((group) => groupWords(group, index)), here: inGroups(auto) },
    },
    found('excluded', excludedText(excluded, inGroups(excluded), index, leave.force), {
      groups: excluded.map((group) => groupWords(group, index)),
      here: inGroups(excluded),
    }),
    found('file', `${edition.file.name} is in the depot`, { sha256: edition.file.sha256, size: edition.file.size }),
    found('format', `.${edition.file.format}, which this machine can install`, { format: edition.file.format }),
    ...drift.map(({ text, data }) => ({
      topic: 'changed' as const,
      against: standsAgainst('changed', decisions),
      text,
      data,
    })),
    found('system', edition.oses.length === 0 ? 'any' : `${edition.oses.join(', ')}; this machine runs ${system}`, {
      limits: edition.oses,
      system,
    }),
    found('processor', edition.cpu === null ? 'any' : `${edition.cpu}, as this machine has`, {
      wanted: edition.cpu ?? '',
      cpu: machine.cpu,
    }),
    found('capabilities', edition.requires.length === 0 ? 'none' : `${edition.requires.join(', ')}: this d3 has them`, {
      wanted: edition.requires,
    }),
    {
      topic: 'restart',
      against: standsAgainst('restart', decisions),
      text: edition.reboot ? (leave.puppies ? 'needed, and agreed to' : 'needed: it is queued for one') : 'not needed',
      data: { reboot: edition.reboot },
    },
    found('processes', processesText(processes, whichRun(processes, machine), leave.force), { prohibiting: processes }),
    found('scripts', scripts.length === 0 ? 'none' : `${scripts.join(', ')}; run by ${scriptRunners.join(', ')}`, {
      scripts,
      runners: scriptRunners,
    }),
  ];
}

/** What was queued with force is done with it. */
function isForced(action: Action | null): boolean {
  return (action?.kind === 'install' && action.force) || (action?.kind === 'defer' && action.deferred.force);
}

function scopeText(groups: Edition['autoGroups'], here: string[], index: CatalogIndex, none: string): string {
  if (groups.length === 0) return none;
  if (groups.includes('standard')) return 'every machine';
  const names = groups.map((group) => groupWords(group, index)).join(', ');
  return `${names}; this machine is in ${here.length === 0 ? 'none of them' : here.join(', ')}`;
}

function excludedText(groups: Edition['excludedGroups'], here: string[], index: CatalogIndex, force: boolean): string {
  const text = scopeText(groups, here, index, 'none');
  return here.length > 0 && force ? `${text}; overruled by force` : text;
}

/** What prohibiting processes are where they stand against nothing. */
function processesText(names: readonly string[], running: readonly string[], force: boolean): string {
  if (names.length === 0) return 'none prohibit it';
  if (running.length === 0) return `${names.join(', ')}: not running`;
  return `${running.join(', ')}: running, ${force ? 'overruled by force' : 'asked to quit first'}`;
}

function aboutPlugins({ decisions }: Subject): Finding[] {
  return decisions.flatMap(({ reasons, verdict }) =>
    reasons
      .filter(({ code }) => code === 'PROPOSED')
      .map(({ text, data }) => ({
        topic: 'plugins' as const,
        against: verdict !== 'act' && verdict !== 'nothing',
        text,
        data,
      })),
  );
}

/** Whether a topic is among the reasons of a decision that does nothing. */
function standsAgainst(topic: Topic, decisions: readonly Decision[]): boolean {
  return decisions.some(
    ({ verdict, reasons }) => verdict !== 'act' && reasons.some(({ code }) => TOPICS[code] === topic),
  );
}
