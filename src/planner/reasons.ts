import type { CatalogIndex } from '../catalog/resolve.ts';
import type { Reason, ReasonCode } from './types.ts';

type Data = Reason['data'];

/** The one place that puts reasons into words. */
const WORDS: Record<ReasonCode, (data: Data) => string> = {
  NOT_FOUND: (d) => `nothing in the depot is called ${d['target']}`,
  AMBIGUOUS: (d) => `${d['target']} names several editions: ${list(d['editions'])}`,
  EDITION_WANTED: (d) => `${d['target']} is a basename; a pilot is named by its edition`,
  NO_LIVE_EDITION: (d) => `${d['basename']} has no live edition${orItsPilots(d['pilots'])}`,
  NAMED_TWICE: (d) => `this command names ${d['basename']} twice`,
  NOT_A_PILOT: (d) => `${d['edition']} is ${d['status']}, not a pilot`,
  INTERRUPTED: (d) => `an earlier run of ${d['basename']} was cut and could not be finished yet`,
  MISSING_FILE: (d) => `${d['edition']} is missing: its file is gone from the depot`,
  STATUS: (d) => `${d['edition']} is ${d['status']}`,
  INSTALLED: (d) => `${d['edition']} is installed`,
  NOT_INSTALLED: (d) => `${d['basename']} is not installed here`,
  INSTALLED_SAME: (d) => `${d['edition']} is already installed`,
  INSTALLED_NEWER: (d) => `${d['installed']} is installed, which is newer than ${d['edition']}`,
  INSTALLED_OLDER: (d) => `${d['installed']} is installed, which is older than ${d['edition']}`,
  LIVE_IS_NEWER: (d) => `${d['live']} is live and newer than ${d['installed']}`,
  LIVE_IS_OLDER: (d) => `${d['live']} is live although older than ${d['installed']}: a rollback`,
  PILOTING: (d) => `${d['edition']} was installed as a pilot`,
  NOT_PILOTING: (d) => `${d['edition']} was not installed as a pilot`,
  ENLIVENED: (d) => `${d['edition']} was a pilot here and has gone live`,
  CHANGED_IN_DEPOT: (d) => `the depot changed ${list(d['fields'])} of ${d['edition']}`,
  FROZEN: (d) => `${d['edition']} is frozen by ${d['by']}`,
  ALREADY_FROZEN: (d) => `${d['edition']} is frozen already`,
  NOT_FROZEN: (d) => `${d['edition']} is not frozen`,
  NOT_REMOVABLE: (d) => `${d['edition']} is not removable`,
  WRONG_OS: (d) => `${d['edition']} is for ${list(d['limits'])}; this machine runs ${d['os']}`,
  WRONG_CPU: (d) => `${d['edition']} is for ${d['wanted']} processors; this machine has ${d['cpu']}`,
  EXCLUDED: (d) => `this machine is in ${list(d['groups'])}, excluded from ${d['edition']}`,
  PROCESS_RUNNING: (d) => `blocked by ${list(d['processes'])}${forDays(d['days'])}`,
  ASKED_TO_QUIT: (d) => `${list(d['processes'])} will be asked to quit first`,
  NEEDS_NEWER_D3: (d) => `${d['edition']} needs a newer d3 (${list(d['capabilities'])})`,
  OVER_ITSELF: (d) =>
    `${d['edition']} has the version of ${d['installed']}, the d3 that runs here, and would overwrite it`,
  WRONG_FORMAT: (d) => `${d['edition']} is a .${d['format']}, which this machine cannot install`,
  DRIFTED: (d) =>
    `${d['package']} ${d['found'] === '' ? 'is gone' : `${d['found']} is here`}, where d3 had put ${d['recorded']}: somebody else changed it`,
  SCRIPTS_UNANSWERED: (d) => `${d['edition']} has a ${list(d['scripts'])} script and no plugin runs scripts`,
  NEEDS_RESTART: (d) => `${d['edition']} needs a restart afterwards`,
  QUEUED: (d) => `${d['edition']} is queued since ${day(d['at'])} and waits for a restart; -p installs it now`,
  ALREADY_QUEUED: (d) => `${d['edition']} is queued already`,
  NOT_QUEUED: (d) => `${d['target']} is not queued`,
  QUEUE_OUTDATED: (d) => `${d['live']} is live now, which the queued ${d['edition']} makes room for`,
  GIVEN_UP: (d) => `${d['edition']} leaves the queue: ${d['why']}`,
  AUTO_GROUP: (d) => `${d['edition']} is auto-installed on ${list(d['groups'])}`,
  STANDARD: (d) => `${d['edition']} is auto-installed on every machine`,
  NOT_AUTO: (d) =>
    `${d['edition']} is live and not installed here, and ${has(d['groups']) ? `this machine is in none of its auto groups: ${list(d['groups'])}` : 'comes only by name'}`,
  NOT_ASKED: (d) => `the ${d['command']} was not about ${d['basename']}`,
  PROPOSED: (d) => `${d['plugin']} says: ${d['why']}`,
  IN_PROGRESS: (d) => `a run that is under way is busy with ${d['basename']}`,
  CHANGED_MEANWHILE: (d) => `changed meanwhile by another d3 run: ${d['how']}`,
  REQUESTED: (d) => `asked for by ${d['admin']}`,
  EDITION_GONE: (d) => `${d['edition']} is no longer in the depot`,
  EDITION_BACK: (d) => `${d['edition']} is in the depot again`,
  LEFT_OVER: (d) => `its record is kept ${d['days']} days, so that d3 uninstall can remove it`,
  LEFTOVER_ENDS: (d) => `that is so since ${d['since']}: d3 gives up its record and leaves its files`,
  PUTS_BACK_LIVE: (d) => `${d['edition']} is live and takes the pilot's place`,
  LEAVES_OFF: (d) => `${d['basename']} is left off as asked`,
  NOTHING_TO_PUT_BACK: (d) => `no live edition of ${d['basename']} stood here before the pilot`,
};

/** Why a basename means nothing by itself, with the pilots that could be named instead. */
export function noLiveEdition(basename: string, index: CatalogIndex): Reason {
  return reason('NO_LIVE_EDITION', { basename, pilots: pilotsOf(basename, index) });
}

/** The pilots of a basename, oldest first. */
export function pilotsOf(basename: string, index: CatalogIndex): string[] {
  const pilots = index.ofBasename(basename).filter((edition) => edition.status === 'pilot');
  return pilots.map((edition) => edition.edition);
}

/** @param data what the sentence is made of; also what programs and tests read */
export function reason(code: ReasonCode, data: Data): Reason {
  return { code, text: WORDS[code](data), data };
}

/** Of an ISO 8601 time. */
function day(value: Data[string] | undefined): string {
  return String(value).slice(0, 10);
}

function list(value: Data[string] | undefined): string {
  return Array.isArray(value) ? value.join(', ') : String(value);
}

/** From the first whole day on. */
function forDays(days: Data[string] | undefined): string {
  return days === 0 ? '' : `, ${days} ${days === 1 ? 'day' : 'days'}`;
}

function has(value: Data[string] | undefined): boolean {
  return Array.isArray(value) && value.length > 0;
}

function orItsPilots(value: Data[string] | undefined): string {
  return has(value) ? `; its pilots are ${list(value)}` : '';
}
