import { AttributeCommand } from '../../cli/attribute-command.ts';

export default class EaQueue extends AttributeCommand {
  static override summary = 'Tell another inventory what waits for a restart here, in a <result> element.';
  static override description =
    'The script of an extension attribute is this one command. The element holds JSON by basename, under the names the ancestor used, and _schema. An error stands in the element as ERROR: and its reason.';
  static override examples = ['<%= config.bin %> ea queue'];

  protected override async read() {
    return (await import('../../client/extension-attributes.ts')).queueAttribute;
  }
}
