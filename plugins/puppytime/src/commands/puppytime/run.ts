import { combineExitCodes, D3Error, EXIT_CODES } from '@d3/sdk';
import { type CommandContext, type CommandOutcome, MachineCommand } from '@d3/sdk/command';
import { Flags } from '@oclif/core';
import { type Ran, told } from '../../words.ts';

export default class PuppytimeRun extends MachineCommand<Ran> {
  static override summary = 'Install what waits for a restart, with a show, and restart.';
  static override description =
    'Whoever is there is asked first. At the login window it begins unless somebody says later; where somebody works it begins only by ' +
    'their choice, until they were warned as often as the settings say and the deadline has passed. A package that fails stops no other. ' +
    'What is cut goes on the next time. Ends with 42 when a restart is due and was not begun.';
  static override examples = ['<%= config.bin %> puppytime run', '<%= config.bin %> puppytime run --no-reboot'];
  static override flags = {
    // A flag of its own, as the ancestor has it: "no" is no answer to a question here.
    'no-reboot': Flags.boolean({ summary: 'Do not restart; ends with 42 when a restart is due.' }),
    'dry-run': Flags.boolean({ summary: 'Say what would be installed; ask and change nothing.' }),
  };

  async execute(context: CommandContext): Promise<CommandOutcome<Ran>> {
    const { runHere, previewHere } = await import('../../run-here.ts');
    if (context.flags['dry-run'] === true) return { result: { dryRun: true, ...(await previewHere(context)) } };
    const result = await runHere(context, { reboot: context.flags['no-reboot'] !== true });
    const errors = result.failed.map(
      ({ edition, reason, givenUp, attempts }) =>
        new D3Error('PUPPY_FAILED', 'installerFailed', `${edition} was not installed: ${reason}`, {
          target: edition,
          actions: givenUp
            ? [`it failed ${attempts} times and left the queue; see why, then: d3 install ${edition}`]
            : ['it is tried again the next time'],
        }),
    );
    const codes = [...result.installed.map(() => EXIT_CODES.done.code), ...errors.map(({ exitCode }) => exitCode)];
    const pending = result.restart === 'pending' && errors.length === 0;
    const exit = pending ? EXIT_CODES.restartPending.code : combineExitCodes(codes);
    return { result: { dryRun: false, ...result }, errors, exit };
  }

  text(result: Ran): string {
    return told(result);
  }
}
