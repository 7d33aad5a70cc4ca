import { type CommandContext, type CommandOutcome, MachineCommand } from '@d3/sdk/command';
import { Args, Flags } from '@oclif/core';
import type { Kept } from '../keep.ts';

/** A century: more is the same as for good. */
const MOST_DAYS = 36_500;

export default class Keep extends MachineCommand<Kept[]> {
  static override summary = 'Keep packages although nobody uses them.';
  static override description =
    'What is kept does not expire by disuse until the days are over, or for good; --days 0 takes it back. A firm end, which an edition ' +
    'has whether it is used or not, stays.';
  static override examples = [
    '<%= config.bin %> keep transmogrifier',
    '<%= config.bin %> keep transmogrifier --days 90',
    '<%= config.bin %> keep transmogrifier --days 0',
  ];
  static override args = {
    basename: Args.string({ description: 'What is installed here.', required: true, multiple: true }),
  };
  static override flags = {
    days: Flags.integer({
      helpValue: 'N',
      summary: 'For so many days; else until it is taken back.',
      min: 0,
      max: MOST_DAYS,
    }),
  };

  async execute({ args, flags, ...command }: CommandContext): Promise<CommandOutcome<Kept[]>> {
    const { keepFromExpiring } = await import('../keep.ts');
    const { receipts, state, clock } = await command.ports();
    const installed = await receipts.list();
    const basenames = [args['basename']].flat() as string[];
    const request = { basenames, days: (flags['days'] as number | undefined) ?? null };
    const result = keepFromExpiring(request, installed, { state, now: clock.now() });
    const firm = installed.filter((one) => basenames.includes(one.basename) && one.firmExpiration !== null);
    const warnings = firm.map(({ edition }) => `${edition} has a firm end, which this does not put off`);
    return { result, warnings: request.days === 0 ? [] : warnings };
  }

  text(kept: Kept[]): string {
    return kept.map(wordsOf).join('\n');
  }
}

function wordsOf({ basename, until, kept }: Kept): string {
  if (!kept) return `${basename} expires again when nobody uses it`;
  return until === null ? `${basename} is kept` : `${basename} is kept until ${until.slice(0, 10)}`;
}
