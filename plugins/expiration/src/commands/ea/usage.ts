import { attributeElement, attributeError } from '@d3/sdk';
import { type CommandContext, type CommandOutcome, MachineCommand } from '@d3/sdk/command';
import type { UsageAttribute } from '../../report.ts';

type Attribute = { attribute: UsageAttribute | null; error: string | null };

export default class EaUsage extends MachineCommand<Attribute> {
  static override summary = 'Tell another inventory how what is installed here is used, in a <result> element.';
  static override description =
    'The script of an extension attribute is this one command. The element holds JSON by basename, and _schema. An error stands in the element as ERROR: and its reason.';
  static override examples = ['<%= config.bin %> ea usage'];

  async execute(command: CommandContext): Promise<CommandOutcome<Attribute>> {
    try {
      const { usageAttribute, usageHere } = await import('../../report.ts');
      const context = await command.ports();
      const at = context.clock.now().toISOString();
      const rows = await usageHere(await context.receipts.list(), at, { ...context, platform: process.platform });
      return { result: { attribute: usageAttribute(rows), error: null } };
    } catch (error) {
      const known = attributeError(error);
      return { result: { attribute: null, error: known.message }, errors: [known] };
    }
  }

  text({ attribute, error }: Attribute): string {
    return attributeElement(attribute, error);
  }
}
