import { D3Error } from '@d3/sdk';
import type { DepotClient, Report, ReportedOutcome } from '../depot/contract.ts';
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
  version: string;
  state: State;
}

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
export function makeReport({ run, at, command, exit, host, outcomes, version, state }: ReportParts): Report {
  return {
    schema: 'd3/report@1',
    run,
    at,
    computer: {
      id: state.computerId() as string,
      name: host.name,
      claims: { serial: host.serial, hardwareUuid: host.hardwareUuid, macs: host.macs },
    },
    os: { name: host.os.name, version: host.os.version },
    cpu: host.cpu,
    model: host.model,
    provisioning: host.provisioning,
    d3: version,
    command,
    exit,
    outcomes: outcomes.flatMap(({ target, edition, status, text, blockedBy }) => {
      const reported = REPORTED[status];
      if (reported === undefined) return [];
      return [{ target, edition, status: reported, reason: text, ...(blockedBy === undefined ? {} : { blockedBy }) }];
    }),
    receipts: state
      .receipts()
      .map(({ basename, version: is, revision, edition, id, piloting, frozen, admin, installedAt, goneSince }) => ({
        basename,
        version: is,
        revision,
        edition,
        id,
        piloting,
        frozen: frozen !== null,
        admin,
        installedAt,
        ...(frozen === null ? {} : { freeze: frozen }),
        ...(goneSince === undefined || goneSince === null ? {} : { goneSince }),
      })),
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
  }
}
