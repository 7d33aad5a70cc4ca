import { D3Error, EXIT_CODES, type PluginContext } from '@d3/sdk';
import { adminFlag, type CommandContext, type CommandOutcome, MachineCommand } from '@d3/sdk/command';
import { Args, Flags } from '@oclif/core';
import type { Prompted } from '../../asking/here.ts';

export default class ProvisionPrompt extends MachineCommand<Prompted> {
  static override summary = 'Ask whoever sits here what this machine is.';
  static override description =
    'Its name and whatever its record lacks, chosen from what the depot has, and written in one change by the admin who asks; where none is ' +
    'known, or may not, with the account of whoever answers, for that once. On the screen ' +
    'of the machine (swiftDialog, a page), else in this terminal, over ssh as well. Ends with 43 when nothing was answered: the machine ' +
    'holds then until somebody says it.';
  static override examples = [
    '<%= config.bin %> provision prompt',
    '<%= config.bin %> provision prompt C02ABC123 --answers answers.json',
  ];
  static override args = {
    computer: Args.string({ description: 'Its serial number, name or id; else this machine.' }),
  };
  static override flags = {
    ...adminFlag,
    answers: Flags.string({
      helpValue: 'FILE',
      summary: 'Answers that were written down, as JSON by screen; nobody is asked.',
    }),
  };

  async execute(context: CommandContext): Promise<CommandOutcome<Prompted>> {
    const [{ promptHere }, { answersFrom }, { keeperFor }, { screenHere, teletypeOf }, { writtenSettings }] =
      await Promise.all([
        import('../../asking/here.ts'),
        import('../../asking/answers.ts'),
        import('../../asking/keeper.ts'),
        import('../../screen-here.ts'),
        import('../../settings.ts'),
      ]);
    const { flags, args } = context;
    const ports = await context.ports();
    const settings = await writtenSettings(ports.settings);
    const { answers } = flags as { answers?: string };
    if (settings.prompt === 'never' && answers === undefined) {
      throw new D3Error('PROMPT_OFF', 'refused', 'Nobody is asked at machines: provision.prompt is never.', {
        target: 'provision.prompt',
        actions: ['say it from here: d3 provision assign SERIAL --build …'],
      });
    }
    const { show, buildAttribute } = settings;
    const word = (args['computer'] as string | undefined) ?? null;
    if (word === null) await makeKnown(ports);
    const screen =
      answers === undefined
        ? await screenHere({ ports, show, teletype: teletypeOf(context, ports.signal), at: null })
        : answersFrom(answers);
    let prompted: Prompted;
    try {
      // Whoever types this is an admin at work: what is kept here is theirs.
      const keeper = await keeperFor({ ports, context, buildAttribute, word, stored: true });
      prompted = await promptHere({ keeper, ports, settings, screen });
    } finally {
      await screen.close();
    }
    const { state, reasons, written } = prompted;
    if ((state === 'answered' || state === 'confirmed') && written !== 'no') return { result: prompted };
    const error = new D3Error(
      'NOT_ANSWERED',
      'holding',
      `What this machine is was not said: ${[state, ...reasons].join('; ')}.`,
      {
        target: prompted.computer.serial ?? prompted.computer.id,
        actions: ['say it from elsewhere: d3 provision assign SERIAL --build …'],
      },
    );
    return { result: prompted, exit: EXIT_CODES.holding.code, errors: [error] };
  }

  text({ state, computer, record, written }: Prompted): string {
    const said = Object.entries(record).map(([key, value]) => `${key} ${value}`);
    const how = written === 'yes' ? 'written' : state;
    return `${computer.serial ?? computer.id}: ${how}${said.length === 0 ? '' : ` (${said.join(', ')})`}`;
  }
}

/** A machine that was just enrolled has told nothing of itself yet: the depot knows no serial number of it before it has. */
async function makeKnown({ machine, ui }: PluginContext): Promise<void> {
  try {
    await machine.report();
  } catch (error) {
    if (!(error instanceof D3Error)) throw error;
    ui({ type: 'note', target: null, text: `This machine could not tell the depot of itself: ${error.message}` });
  }
}
