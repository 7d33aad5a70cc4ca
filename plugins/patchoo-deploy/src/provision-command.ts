import { D3Error, EXIT_CODES, type ExitName } from '@d3/sdk';
import { type CommandContext, type CommandOutcome, MachineCommand } from '@d3/sdk/command';
import { Flags } from '@oclif/core';
import type { Parts } from './parts.ts';
import type { Status } from './status.ts';

export const reasonFlag = {
  reason: Flags.string({ helpValue: 'WHY', summary: 'Why; kept with who decided it.', required: true }),
};

/** The base of commands that say how the deployment of this machine stands when they are done. */
export abstract class ProvisionCommand<Result extends Status = Status> extends MachineCommand<Result> {
  protected async parts(context: CommandContext): Promise<Parts> {
    const { partsOf } = await import('./parts.ts');
    return partsOf(await context.ports());
  }

  protected async status(context: CommandContext): Promise<Status> {
    const { statusOf } = await import('./status.ts');
    return statusOf(await context.ports());
  }

  /** How it stands, as the result of a command that has done what was asked of it. */
  protected async stands(context: CommandContext): Promise<CommandOutcome<Status>> {
    return { result: await this.status(context), exit: EXIT_CODES.done.code };
  }

  /** How it stands, with the exit code and the error of that. */
  protected async ended(context: CommandContext): Promise<CommandOutcome<Status>> {
    const status = await this.status(context);
    const error = errorOf(status);
    return {
      result: status,
      exit: status.exit,
      errors: error === null ? [] : [error],
      warnings: status.warnings,
    };
  }

  text(result: Result): string {
    return statusText(result);
  }
}

const ACTIONS: Partial<Record<ExitName, readonly string[]>> = {
  holding: [
    'an admin says what is missing: d3 provision assign SERIAL --build …',
    'or: d3 provision hold release --reason WHY',
  ],
  failedHeld: ['when it is mended: d3 provision retry', 'or: d3 provision skip --reason WHY'],
  restartPending: ['it goes on by itself after the restart'],
  depotUnreachable: ['it asks again by itself; look at the network, and whether the depot is up'],
};

function errorOf({ exit, state, text, run }: Status): D3Error | null {
  const row = Object.entries(EXIT_CODES).find(([, { code }]) => code === exit);
  if (exit === EXIT_CODES.done.code || row === undefined) return null;
  const name = row[0] as ExitName;
  return new D3Error('DEPLOYMENT_OPEN', name, `The deployment of this machine is ${state}${text && `: ${text}`}.`, {
    ...(run === null ? {} : { target: run }),
    actions: [...(ACTIONS[name] ?? [])],
  });
}

function statusText({ state, text, code, values, override, warnings, steps }: Status): string {
  const said = Object.entries(values).map(([key, value]) => `${key} ${value}`);
  const marks: Readonly<Record<string, string>> = { done: '+', failed: '!', skipped: '-', started: '>', pending: ' ' };
  return [
    text === '' ? state : `${state}: ${text}`,
    ...(code === null || text.includes(code) ? [] : [`code ${code}`]),
    ...(said.length === 0 ? [] : [said.join(', ')]),
    ...(override === null ? [] : [`released by ${override.by}: ${override.why}`]),
    ...steps.map((step) => `${marks[step.state] ?? ' '} ${step.name}${step.text === '' ? '' : `: ${step.text}`}`),
    ...warnings.map((warning) => `warning: ${warning}`),
  ].join('\n');
}
