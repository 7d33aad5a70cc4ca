import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Args } from '@oclif/core';
import { markdownOf, type Report } from '../../deployment/report.ts';

export default class DeploymentReport extends DepotCommand<Report> {
  static override summary = 'Print what was done, for the change ticket.';
  static override description =
    'As Markdown, or with --json as data: every host with its state, who assigned it and when, each step with its end, what failed ' +
    'and why, what was left out by whom and why.';
  static override examples = [
    '<%= config.bin %> deployment report shop > shop.md',
    '<%= config.bin %> deployment report shop --json',
  ];
  static override args = { name: Args.string({ description: 'The deployment.', required: true }) };

  async execute({ depot, args }: CommandContext): Promise<CommandOutcome<Report>> {
    const { reportOf } = await import('../../deployment/report.ts');
    return {
      result: await depot('reads', (admin) => reportOf(String(args['name']), { admin, runs: admin.runs })),
    };
  }

  text(report: Report): string {
    return markdownOf(report);
  }
}
