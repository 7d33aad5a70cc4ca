import { D3Error } from '@d3/sdk';
import { Args, Flags } from '@oclif/core';
import { ClientCommand, type ContextOf, type Outcome } from '../cli/base.ts';
import { changingFlags, installingFlags } from '../cli/flags.ts';
import { type PolicyResult, showPolicies } from '../cli/policy-text.ts';
import type { Terminal } from '../terminal/terminal.ts';

export default class Policy extends ClientCommand<PolicyResult, typeof Policy> {
  static override summary = 'Run a policy of the depot, or all of an event, on this machine; or list what there is.';
  static override description =
    'A policy is found by its id, its name or an event, in this order; several on one event run in the order of their names. One that is ' +
    'not for this machine, or was done as often as it is to be, is left out and said. A name nobody knows ends with 34. A plugin that ' +
    'takes the word on comes before the depot. What was cut goes on when the policy is asked for again, or by d3 run resume.';
  static override examples = [
    '<%= config.bin %> policy --list',
    '<%= config.bin %> policy logout',
    '<%= config.bin %> policy prepare-lab --dry-run',
  ];
  static override flags = {
    ...changingFlags,
    admin: installingFlags.admin,
    list: Flags.boolean({ summary: 'List the policies for this machine.' }),
    all: Flags.boolean({ summary: 'With --list: also those for other machines.', dependsOn: ['list'] }),
  };
  static override args = {
    policy: Args.string({ name: 'policy', description: 'An event, or the name or id of a policy.' }),
  };

  async execute(context: ContextOf<typeof Policy>): Promise<Outcome<PolicyResult>> {
    const { machineHere } = await import('../cli/machine.ts');
    const { optionalAdmin } = await import('../cli/optional-admin.ts');
    const { PATIENCE } = await import('../cli/patience.ts');
    const { runsOf } = await import('../cli/runs-here.ts');
    const { errorsOf } = await import('../client/policies.ts');
    const { combineExitCodes } = await import('@d3/sdk');
    const { args, flags, inputs, signal, report } = context;
    const word = args.policy;
    if (word === undefined ? !flags.list : flags.list) throw oneOrTheOther(word);
    const here = await machineHere(context);
    const { wait = PATIENCE, debug } = flags;
    const { runs, policies } = runsOf(here.machine, { debug, wait, parent: inputs.run, signal, report });
    try {
      if (word === undefined) return { result: { policies: await policies.list(flags.all), outcomes: null } };
      if (flags['dry-run']) return { result: { policies: await policies.preview(word), outcomes: null } };
      const by = optionalAdmin(flags.admin, here);
      const outcomes = await policies.run({ word, by, environment: {} });
      const [first] = outcomes;
      return {
        result: { policies: [], outcomes },
        errors: errorsOf(outcomes),
        exit: combineExitCodes(outcomes.map(({ exit }) => exit)),
        ...(outcomes.length === 1 && typeof first?.run === 'string' ? { run: first.run } : {}),
      };
    } finally {
      runs.close();
    }
  }

  render(result: PolicyResult, terminal: Terminal): void {
    showPolicies(result, terminal);
  }
}

function oneOrTheOther(word: string | undefined): D3Error {
  return new D3Error('WHICH_POLICY', 'usage', 'Either a policy is named, or policies are listed.', {
    target: word === undefined ? 'POLICY' : '--list',
    actions: ['run one: d3 policy NAME', 'or see what there is: d3 policy --list'],
  });
}
