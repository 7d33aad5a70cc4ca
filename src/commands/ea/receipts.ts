import { AttributeCommand } from '../../cli/attribute-command.ts';

export default class EaReceipts extends AttributeCommand {
  static override summary = 'Tell another inventory what is installed here, in a <result> element.';
  static override description =
    'The script of an extension attribute is this one command. The element holds JSON by basename, under the names the ancestor used, and _schema. An error stands in the element as ERROR: and its reason.';
  static override examples = ['<%= config.bin %> ea receipts'];

  protected override async read() {
    return (await import('../../client/extension-attributes.ts')).receiptsAttribute;
  }
}
