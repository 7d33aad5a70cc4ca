import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Flags } from '@oclif/core';
import type { Check } from '../../foreman/doctor.ts';
import { foremanFlags } from '../../foreman/flags.ts';

export default class ForemanDoctor extends DepotCommand<Check[]> {
  static override summary = 'Check that Foreman has and allows what deployments need.';
  static override description =
    'It asks for version, plugins, permissions, environments, smart proxies, the parameter of the agent, the hostgroups of a deployment’s ' +
    'roles, and reads the installation template that Foreman renders for its hosts: it has to keep the agent off, to apply nothing, and ' +
    'to set the authorized key of the proxy. Nothing is changed unless --fix is given, which makes environments that are missing.';
  static override examples = [
    '<%= config.bin %> foreman doctor',
    '<%= config.bin %> foreman doctor --deployment web --fix',
  ];
  static override flags = {
    ...foremanFlags,
    deployment: Flags.string({ helpValue: 'NAME', summary: 'Look at its hostgroups and hosts too.' }),
    hostgroup: Flags.string({ helpValue: 'TITLE', summary: 'Look at this hostgroup too; repeatable.', multiple: true }),
    host: Flags.string({ helpValue: 'NAME', summary: 'Read the template of this host; repeatable.', multiple: true }),
    fix: Flags.boolean({ summary: 'Make the environments that are missing.' }),
  };

  async execute(context: CommandContext): Promise<CommandOutcome<Check[]>> {
    const { doctorHere } = await import('../../foreman/here.ts');
    return doctorHere(context);
  }

  text(checks: Check[]): string {
    return checks
      .map(
        ({ check, ok, says, next }) =>
          `${ok ? 'ok' : 'no'}  ${check}: ${says}${ok || next === null ? '' : `\n    ${next}`}`,
      )
      .join('\n');
  }
}
