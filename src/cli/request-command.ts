import { D3Error } from '@d3/sdk';
import type { Command } from '@oclif/core';
import type { Outcome as TargetOutcome } from '../client/outcome.ts';
import type { RunResult } from '../client/run.ts';
import type { Decision, Request } from '../planner/types.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { ClientCommand, type CommandContext, type Outcome } from './base.ts';
import type { MachineHere } from './machine.ts';
import { countedBy, doneLines, plannedLines } from './outcome-text.ts';
import { PATIENCE } from './patience.ts';

/** What a command that changes a machine prints with --json. */
export interface RunShown {
  run: string;
  dryRun: boolean;
  /** What was decided, with the chain of reasons of each. */
  decisions: Decision[];
  /** How each ended. */
  outcomes: TargetOutcome[];
  /** Editions that were installed and need a restart now. */
  restart: string[];
  /** How many ended how. */
  counts: Partial<Record<TargetOutcome['status'], number>>;
  /** Why nothing was looked at; absent when it was. */
  skipped?: 'busy';
}

/** What a run that was not begun comes to: another is at work. */
export const LEFT_TO_ANOTHER: RunShown = {
  run: '',
  dryRun: false,
  decisions: [],
  outcomes: [],
  restart: [],
  counts: {},
  skipped: 'busy',
};

interface ChangingFlags {
  root?: string | undefined;
  depot?: string | undefined;
  debug: boolean;
  'dry-run': boolean;
  wait?: number | undefined;
  'no-puppy-notification'?: boolean;
}

/** The base of every command that changes a machine: it only turns flags into a request. */
export abstract class RequestCommand<T extends typeof Command = typeof Command> extends ClientCommand<RunShown, T> {
  /** Seconds to wait for another run by default. */
  protected patience = PATIENCE;
  /** Whether the last line says how many ended how. */
  protected readonly totals: boolean = false;

  /** Turns the command line into what is asked for, and by whom. */
  protected abstract request(
    context: CommandContext<never, never>,
    here: MachineHere,
  ): { request: Request; admin: string };

  async execute(context: CommandContext<never, never>): Promise<Outcome<RunShown>> {
    const { machineHere } = await import('./machine.ts');
    const { runRequest } = await import('../client/run.ts');
    const { signal, report } = context;
    const flags = context.flags as ChangingFlags;
    const here = await machineHere(context);
    const { request, admin } = this.request(context, here);
    const result = await runRequest(request, here.machine, {
      command: request.kind,
      admin,
      dryRun: flags['dry-run'],
      wait: flags.wait ?? this.patience,
      debug: flags.debug,
      notify: flags['no-puppy-notification'] !== true,
      parent: context.inputs.run,
      signal,
      report,
    });
    return outcomeOf(result);
  }

  render(shown: RunShown, terminal: Terminal): void {
    // Nothing is known of how things are.
    if (shown.skipped !== undefined) return;
    const lines = shown.dryRun ? plannedLines(shown.decisions) : doneLines(shown, this.totals);
    if (lines.length > 0) terminal.result(lines.join('\n'));
  }
}

/** A reason as the message of an error; a name it begins with stays as it is written. */
function asSentence(text: string, names: readonly (string | null)[]): string {
  const named = names.some((name) => name !== null && text.startsWith(name));
  const begun = named || !/^[a-z]+[\s,]/.test(text) ? text : `${text[0]?.toUpperCase()}${text.slice(1)}`;
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}

function outcomeOf({ run, exit, dryRun, plan, outcomes, restart, warnings }: RunResult): Outcome<RunShown> {
  const errors = outcomes.flatMap(({ problem, text, target, basename, edition }) => {
    if (problem === null) return [];
    const message = asSentence(text, [target, basename, edition]);
    return [new D3Error(problem.code, problem.exit, message, { target: edition ?? target, actions: problem.actions })];
  });
  const counts = countedBy(outcomes, ({ status }) => status);
  return { result: { run, dryRun, decisions: plan.decisions, outcomes, counts, restart }, exit, errors, warnings, run };
}
