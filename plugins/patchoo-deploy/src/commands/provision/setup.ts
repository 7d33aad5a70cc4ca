import { adminFlag, type CommandContext, type CommandOutcome, duration } from '@d3/sdk/command';
import { Flags } from '@oclif/core';
import type { Mode } from '../../memory.ts';
import { ProvisionCommand } from '../../provision-command.ts';
import type { Enrolment } from '../../rules/start.ts';
import type { AskedThere } from '../../set-up.ts';
import type { Status } from '../../status.ts';

/** How it stands, and what came of asking whoever is there; null: nobody was to be asked. */
type SetUp = Status & { asked: AskedThere | null };

export default class ProvisionSetup extends ProvisionCommand<SetUp> {
  static override summary = 'Begin to deploy this machine.';
  static override description =
    'Writes down what is to be done, and lays down what goes on with it after every start of the machine, until it is released. One ' +
    'enrolment is deployed once; a renewal of its management never is. Whoever is at the machine is asked what it is, and told that it ' +
    'restarts, where it does. Repeated while a deployment is under way it only asks what is not known yet.';
  static override examples = [
    '<%= config.bin %> provision setup',
    '<%= config.bin %> provision setup --answers answers.json',
    '<%= config.bin %> provision setup --wait 1h',
    '<%= config.bin %> provision setup --mode update-only',
    '<%= config.bin %> provision setup --enrolment renewal',
  ];
  static override flags = {
    ...adminFlag,
    mode: Flags.string({
      options: ['deploy', 'update-only'],
      default: 'deploy',
      summary: 'All of it, or only the updates of a machine that was deployed before.',
    }),
    enrolment: Flags.string({
      options: ['new', 'renewal', 'existing'],
      default: 'new',
      summary:
        'What called for it: a new enrolment, a renewal of its management, or a machine people worked with before.',
    }),
    answers: Flags.string({
      helpValue: 'FILE',
      summary: 'Answers that were written down, as JSON by screen; nobody is asked.',
    }),
    wait: duration({
      helpValue: 'TIME',
      summary:
        'Wait so long at most to be enrolled and for the depot, locked where nobody is there, and restart in the end.',
    }),
    again: Flags.boolean({ summary: 'Deploy it although it was deployed, or people work with it.' }),
  };

  async execute(context: CommandContext): Promise<CommandOutcome<SetUp>> {
    const { setUp } = await import('../../set-up.ts');
    const { mode, enrolment, again, answers, wait } = context.flags;
    const parts = await this.parts(context);
    const by = await context.admin('perhaps');
    const asked = await setUp({
      request: { mode: mode as Mode, enrolment: enrolment as Enrolment, again: again === true, by },
      parts,
      ports: await context.ports(),
      context,
      answers: (answers as string | undefined) ?? null,
      wait: (wait as number | undefined) ?? null,
    });
    const outcome = await this.stands(context);
    return { ...outcome, result: { ...outcome.result, asked } };
  }

  override text(result: SetUp): string {
    const { asked } = result;
    const said = asked === null ? [] : [`asked: ${[asked.state, ...asked.reasons].join('; ')}`];
    return [super.text(result), ...said].join('\n');
  }
}
