import { createHash } from 'node:crypto';
import { D3Error } from '@d3/sdk';
import type { DepotClient, Report, ReportedOutcome, ReportedReceipt } from '../depot/contract.ts';
import type { Receipt } from '../planner/receipt.ts';
import type { MachineFacts } from '../platform/machine.ts';
import type { Outcome, OutcomeStatus } from './outcome.ts';
import type { State } from './state/state.ts';

interface ReportParts {
  run: string;
  at: string;
  command: string;
  exit: number;
  host: MachineFacts;
  outcomes: readonly Outcome[];
  /** What ended the run before its end; null: nothing did. */
  failure: Error | null;
  version: string;
  state: State;
}

/** Characters of what is said in words: a report has room for all receipts, not for a script's whole output. */
const MAX_WORDS = 2_000;
const MAX_PROVISIONING = 100;
const MAX_VALUE = 255;

/** Statuses a depot hears of; the rest changed nothing. */
const REPORTED: Partial<Record<OutcomeStatus, ReportedOutcome['status']>> = {
  installed: 'installed',
  settled: 'installed',
  uninstalled: 'uninstalled',
  refreshed: 'refreshed',
  adopted: 'refreshed',
  deferred: 'deferred',
  held: 'held',
  blocked: 'blocked',
  refused: 'blocked',
  failed: 'failed',
  interrupted: 'interrupted',
};

/** The truth about one run and what the machine has now. */
export function makeReport(parts: ReportParts): Report {
  const { run, at, command, exit, host, outcomes, failure, version, state } = parts;
  return {
    schema: 'd3/report@1',
    run,
    at,
    computer: {
      id: state.computerId() as string,
      name: host.name,
      claims: { serial: host.serial, hardwareUuid: host.hardwareUuid, macs: host.macs },
      user: host.user,
    },
    os: { name: host.os.name, version: host.os.version },
    cpu: host.cpu,
    model: host.model,
    provisioning: bounded(host.provisioning),
    ...(host.provisioningComplete ? {} : { provisioningComplete: false }),
    d3: version,
    command,
    exit,
    ...(failure === null ? {} : { failure: shortened(failure.message) }),
    outcomes: outcomes.flatMap(({ target, basename, edition, status, text, blockedBy }) => {
      const reported = REPORTED[status];
      if (reported === undefined) return [];
      const waits = blockedBy === undefined ? {} : { blockedBy };
      return [{ target, basename, edition, status: reported, reason: shortened(text), ...waits }];
    }),
    receipts: state.receipts().map(reportedReceipt),
    queue: state.deferred().map(({ edition: queued, piloting, admin, customExpiration, queuedAt }) => ({
      basename: queued.basename,
      version: queued.version,
      revision: queued.revision,
      edition: queued.edition,
      id: queued.id,
      piloting,
      admin,
      customExpiration,
      queuedAt,
    })),
  };
}

function reportedReceipt(receipt: Receipt): ReportedReceipt {
  const { basename, version, revision, edition, id, piloting, frozen, admin, installedAt, manual } = receipt;
  const { goneSince, attention } = receipt;
  return {
    basename,
    version,
    revision,
    edition,
    id,
    piloting,
    frozen: frozen !== null,
    admin,
    installedAt,
    manual,
    ...(frozen === null ? {} : { freeze: frozen }),
    ...(goneSince === undefined || goneSince === null ? {} : { goneSince }),
    ...(attention === undefined || attention === null ? {} : { attention: shortened(attention) }),
  };
}

/** A depot takes so much of it and no more; one plugin that says too much must not cost the whole report. */
function bounded(provisioning: Readonly<Record<string, string>>): Record<string, string> {
  const kept = Object.entries(provisioning).slice(0, MAX_PROVISIONING);
  return Object.fromEntries(kept.map(([name, value]) => [name, value.slice(0, MAX_VALUE)]));
}

function shortened(text: string): string {
  return text.length <= MAX_WORDS ? text : `${text.slice(0, MAX_WORDS - 1)}…`;
}

/** A depot that hears nothing new is told so once a day all the same. Milliseconds. */
const TOLD_AGAIN = 24 * 60 * 60 * 1000;

/**
 * Whether a sync found everything as the depot was told last. Only where the depot knows the machine by its key: that it
 * was here is seen there by its asking.
 */
export function isKnownAlready(report: Report, depot: DepotClient | null, state: State): boolean {
  if (depot?.knowsThisMachine !== true || report.command !== 'sync' || report.exit !== 0) return false;
  const told = state.told();
  if (told === null || told.what !== essenceOf(report)) return false;
  const age = Date.parse(report.at) - Date.parse(told.at);
  return age >= 0 && age < TOLD_AGAIN;
}

/** What a report says besides which run it is of. */
function essenceOf({ run: _run, at: _at, ...rest }: Report): string {
  return createHash('sha256').update(JSON.stringify(rest)).digest('hex');
}

/** Sends what has not been delivered yet, oldest first. What cannot be sent now is kept for the next run. */
export async function deliverReports(
  state: State,
  depot: DepotClient | null,
  warn: (text: string) => void,
  tell: (text: string) => void = warn,
): Promise<void> {
  if (depot === null) return;
  for (const { id, report } of state.outbox()) {
    try {
      await depot.report(report);
    } catch (error) {
      if (!(error instanceof D3Error)) throw error;
      // A source that only gives files never takes any: that is how it is meant to be.
      const say = error.code === 'REPORTS_NOT_TAKEN' ? tell : warn;
      say(`the report was kept and goes with the next run: ${error.message}`);
      return;
    }
    state.delivered(id);
    if (depot.knowsThisMachine === true) state.setTold({ what: essenceOf(report), at: report.at });
  }
}
