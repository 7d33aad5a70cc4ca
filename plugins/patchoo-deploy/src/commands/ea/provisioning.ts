import { attributeElement, attributeError } from '@d3/sdk';
import { type CommandContext, type CommandOutcome, MachineCommand } from '@d3/sdk/command';

type Attribute = { state: string | null; error: string | null };

export default class EaProvisioning extends MachineCommand<Attribute> {
  static override summary = 'Tell another inventory how the deployment of this machine stands, in a <result> element.';
  static override description =
    'The script of an extension attribute is this one command. The element holds one word, as provision status has it: holding, released. An error stands in the element as ERROR: and its reason.';
  static override examples = ['<%= config.bin %> ea provisioning'];

  async execute(command: CommandContext): Promise<CommandOutcome<Attribute>> {
    try {
      const { statusOf } = await import('../../status.ts');
      return { result: { state: (await statusOf(await command.ports())).state, error: null } };
    } catch (error) {
      const known = attributeError(error);
      return { result: { state: null, error: known.message }, errors: [known] };
    }
  }

  text({ state, error }: Attribute): string {
    return error === null ? `<result>${state}</result>` : attributeElement(null, error);
  }
}
