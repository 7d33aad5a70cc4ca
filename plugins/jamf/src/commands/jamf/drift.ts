import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Args, Flags } from '@oclif/core';
import { jamfFlags } from '../../flags.ts';
import type { Settled } from '../../mirror/here.ts';

const STATES: Readonly<Record<Settled['state'], string>> = {
  same: 'is the same in Jamf Pro.',
  differs: 'differs:',
  missing: 'is missing: its package was deleted in Jamf Pro.',
  unsent: 'was never sent to Jamf Pro.',
  unfinished: 'is not whole in Jamf Pro: a push was cut, or it was linked and not pushed since.',
  orphaned: 'is in Jamf Pro, and its edition was deleted here.',
  stranger: 'is in Jamf Pro only.',
};
const WHO = { here: 'changed here', there: 'changed in Jamf Pro', both: 'changed on both sides' };
const DONE = {
  adopted: 'It is as in Jamf Pro now.',
  pushed: 'Jamf Pro has it as it is here now.',
  deleted: 'It was deleted in Jamf Pro.',
};

export default class DriftCommand extends DepotCommand<Settled[]> {
  static override summary = 'Show how editions and packages of Jamf Pro differ, and make them the same.';
  static override description =
    'Field by field, with who changed it since both were the same. --push makes Jamf Pro as d3 is: it makes what was deleted there anew, and ' +
    'deletes the packages of editions that are gone, unless a policy installs them. --adopt takes what was changed in Jamf Pro into d3. ' +
    'A file is never adopted: import it as an edition of its own.';
  static override examples = [
    '<%= config.bin %> jamf drift',
    '<%= config.bin %> jamf drift --adopt',
    '<%= config.bin %> jamf drift transmogrifier-2.1.2-1 --push',
  ];
  static override flags = {
    ...jamfFlags,
    adopt: Flags.boolean({ summary: 'Take what was changed in Jamf Pro.', exclusive: ['push'] }),
    push: Flags.boolean({ summary: 'Make Jamf Pro as d3 is.' }),
  };
  static override args = {
    edition: Args.string({ name: 'edition', description: 'Only these editions.', multiple: true }),
  };

  async execute(context: CommandContext): Promise<CommandOutcome<Settled[]>> {
    const { driftHere } = await import('../../mirror/here.ts');
    return driftHere(context);
  }

  text(drifts: Settled[]): string {
    if (drifts.length === 0) return 'Every package of Jamf Pro is as its edition.';
    return drifts.flatMap((drift) => this.#lines(drift)).join('\n');
  }

  #lines({ edition, jamf, packageName, state, differences, done }: Settled): string[] {
    const lines = [`${edition ?? `Package ${jamf} (${packageName})`} ${STATES[state]}`];
    for (const { field, here, there, changed } of differences)
      lines.push(`  ${field}: ${short(here)} here, ${short(there)} in Jamf Pro (${WHO[changed]})`);
    if (done !== null) lines.push(`  ${DONE[done]}`);
    return lines;
  }
}

function short(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > 60 ? `${line.slice(0, 59)}…` : `"${line}"`;
}
