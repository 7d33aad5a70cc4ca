import { EXIT_CODES, type ExitName } from '@d3/sdk';
import type { Request } from '../../planner/types.ts';
import { coreKind } from '../../runs/kinds.ts';
import type { StepContext, StepEnd, StepKind } from '../../runs/types.ts';
import type { RunResult } from '../run.ts';
import { StateReader } from '../state/state.ts';
import type { StepParts } from './parts.ts';

/** Steps that change packages: each is one run on the machine as any other, and takes the run lock itself. */
export function packageKinds(parts: StepParts): StepKind[] {
  const carryOut = async (context: StepContext, make: (admin: string) => Request): Promise<StepEnd> => {
    const { runRequest } = await import('../run.ts');
    const { options, machine } = parts;
    const admin = context.run.by;
    const request = make(admin);
    const result = await runRequest(request, machine, {
      command: request.kind,
      admin,
      dryRun: false,
      wait: options.wait,
      debug: options.debug,
      notify: true,
      parent: options.parent,
      signal: context.signal,
      report: (event) => {
        if ('text' in event && event.text !== '')
          context.say(event.target === null ? event.text : `${event.target}: ${event.text}`);
      },
    });
    for (const warning of result.warnings) context.say(`warning: ${warning}`);
    return endOf(result);
  };
  const { paths } = parts.machine;
  return [
    coreKind<{ targets: string[]; force?: boolean; puppies?: boolean }>(
      'install',
      LIMIT,
      (context, { targets, force = false, puppies = false }) =>
        carryOut(context, (admin) => ({
          kind: 'install',
          targets,
          admin,
          force,
          puppies,
          freeze: false,
          expiration: null,
        })),
      async (_, { targets, force = false }) =>
        // A basename means what is live now: only the depot knows, and asking again for what is there does nothing.
        !force && targets.every((target) => isInstalled(parts, target)) ? `${targets.join(', ')} is installed` : null,
    ),
    coreKind<{ targets: string[]; force?: boolean }>(
      'uninstall',
      LIMIT,
      (context, { targets, force = false }) => carryOut(context, () => ({ kind: 'uninstall', targets, force })),
      async (_, { targets }) => {
        const state = StateReader.open(paths);
        try {
          const there = [...state.receipts(), ...state.journal()].map(({ basename }) => basename);
          const receipts = state.receipts().map(({ edition }) => edition);
          const gone = targets.every((target) => !there.includes(target) && !receipts.includes(target));
          return gone ? `${targets.join(', ')} is not installed any more` : null;
        } finally {
          state.close();
        }
      },
    ),
    coreKind<{ puppies?: boolean }>('sync', LIMIT, (context, { puppies = false }) =>
      carryOut(context, () => ({ kind: 'sync', force: false, puppies })),
    ),
  ];
}

/** Seconds a step with packages has unless it says otherwise. */
const LIMIT = 4 * 3600;

function isInstalled({ machine }: StepParts, edition: string): boolean {
  const state = StateReader.open(machine.paths);
  try {
    const receipt = state.receipts().find((candidate) => candidate.edition === edition);
    return receipt !== undefined && !state.journal().some(({ basename }) => basename === receipt.basename);
  } finally {
    state.close();
  }
}

function endOf({ exit, outcomes, restart }: RunResult): StepEnd {
  const failed = outcomes.filter(({ problem }) => problem !== null);
  if (exit === 0) {
    const done = outcomes.map(({ edition, target, status }) => `${edition ?? target}: ${status}`).join(', ');
    return { kind: 'done', text: restart.length === 0 ? done : `${done}; ${restart.join(', ')} needs a restart` };
  }
  const text = failed.map(({ target, edition, text: why }) => `${edition ?? target}: ${why}`).join('; ');
  const code = failed.length === 1 ? failed[0]?.problem?.code : undefined;
  const actions = [...new Set(failed.flatMap(({ problem }) => problem?.actions ?? []))];
  return { kind: 'failed', text, problem: { code: code ?? 'PACKAGES_FAILED', exit: exitName(exit), actions } };
}

function exitName(code: number): ExitName {
  const found = Object.entries(EXIT_CODES).find(([, row]) => row.code === code);
  return (found?.[0] as ExitName | undefined) ?? 'failed';
}
