import { Flags } from '@oclif/core';
import { ClientCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import { changingFlags } from '../../../cli/flags.ts';
import type { ServiceChange } from '../../../client/service.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

export default class DepotServiceInstall extends ClientCommand<ServiceChange, typeof DepotServiceInstall> {
  static override summary = "Have this host renew the depot's signatures, and its copies, every day.";
  static override description =
    'What machines read of a depot is signed for 30 days. The schedule starts "d3 depot publish --renew" as the owner of the depot: by launchd on ' +
    'macOS (as root), by systemd elsewhere. On another root than / the files are laid down and nothing is started.';
  static override examples = ['<%= config.bin %> depot service install --depot /srv/d3'];
  static override helpSection = 'For admins';
  static override flags = {
    'dry-run': changingFlags['dry-run'],
    program: Flags.string({ helpValue: 'PATH', summary: 'The d3 that is started, by its absolute path.' }),
  };

  async execute(context: ContextOf<typeof DepotServiceInstall>): Promise<Outcome<ServiceChange>> {
    const { programFor, scheduledDepot, serviceHere } = await import('../../../cli/service-here.ts');
    const { installDepotService } = await import('../../../admin/depot-service.ts');
    const { flags, inputs } = context;
    const parts = serviceHere(inputs);
    const { program, warnings } = programFor(flags.program, parts.paths.root, this.config.root);
    const schedule = { program, ...(await scheduledDepot(inputs)) };
    return { result: await installDepotService(schedule, parts, { dryRun: flags['dry-run'] }), warnings };
  }

  render({ files, active, dryRun }: ServiceChange, terminal: Terminal): void {
    const is = dryRun ? 'would be' : 'is';
    terminal.result(`The schedule ${is} laid down${active ? ' and started' : ', not started'}: ${files.join(', ')}`);
  }
}
