import { type CommandContext, type CommandOutcome, MachineCommand } from '@d3/sdk/command';
import { Flags } from '@oclif/core';
import { foremanFlags } from '../../foreman/flags.ts';
import type { JobTemplate } from '../../foreman/job-template.ts';

export default class ForemanJobTemplate extends MachineCommand<JobTemplate> {
  static override summary =
    'Print the job template by which Foreman’s remote execution carries what d3 does, or put it there.';
  static override description =
    'It is needed where the setting deployment.transport is foreman. Without --install Foreman is not asked: the text is for its import of job templates.';
  static override examples = [
    '<%= config.bin %> foreman job-template',
    '<%= config.bin %> foreman job-template --install',
  ];
  static override flags = {
    ...foremanFlags,
    install: Flags.boolean({ summary: 'Put it into Foreman, in the place of an older one.' }),
  };

  async execute(context: CommandContext): Promise<CommandOutcome<JobTemplate>> {
    const { jobTemplateHere } = await import('../../foreman/here.ts');
    return jobTemplateHere(context);
  }

  text({ name, text, installed, changed }: JobTemplate): string {
    if (installed === null) return text.trimEnd();
    return changed ? `${name} is in Foreman now.` : `${name} is in Foreman already: nothing to change.`;
  }
}
