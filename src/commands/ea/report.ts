import { AttributeCommand } from '../../cli/attribute-command.ts';

export default class EaReport extends AttributeCommand {
  static override summary = 'Tell another inventory the whole report of the last run here, in a <result> element.';
  static override description =
    'For machines whose depot takes no reports: the inventory carries it, and "d3 depot collect --ea FILE" takes it in. An error stands in the element as ERROR: and its reason.';
  static override examples = ['<%= config.bin %> ea report'];

  protected override async read() {
    return (await import('../../client/last-report.ts')).lastReport;
  }
}
