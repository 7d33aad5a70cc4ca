import { D3Error } from '@d3/sdk';
import { Flags } from '@oclif/core';
import { ClientCommand, type ContextOf, type Outcome } from '../../cli/base.ts';
import { changingFlags, duration } from '../../cli/flags.ts';
import type { ServiceChange } from '../../client/service.ts';
import type { Terminal } from '../../terminal/terminal.ts';

const HOUR = 3600;
/** Seconds. */
const LEAST = 60;

export default class ServiceInstall extends ClientCommand<ServiceChange, typeof ServiceInstall> {
  static override summary = 'Have this machine sync by itself.';
  static override description =
    'Every hour, more or less a quarter, at start and after waking up: by launchd on macOS, by systemd elsewhere. Runs of steps that wait for a restart or were cut go on at start (d3 run resume --all). Doing it again changes ' +
    'what has changed. On another root than / the files are laid down and nothing is started.';
  static override examples = ['<%= config.bin %> service install', '<%= config.bin %> service install --every 30m'];
  static override flags = {
    'dry-run': changingFlags['dry-run'],
    every: duration({ helpValue: 'TIME', summary: 'How often, on average, at least 1m: 30m, 1h.', default: HOUR }),
    program: Flags.string({ helpValue: 'PATH', summary: 'The d3 that is started, by its absolute path.' }),
  };

  async execute(context: ContextOf<typeof ServiceInstall>): Promise<Outcome<ServiceChange>> {
    const { nameHere, programFor, serviceHere, warningsOfSchedule } = await import('../../cli/service-here.ts');
    const { installService } = await import('../../client/service.ts');
    const { every, program } = context.flags;
    if (every < LEAST) {
      throw new D3Error('EVERY_TOO_SHORT', 'usage', 'A machine syncs once a minute at most.', {
        target: '--every',
        actions: ['give 1m or more'],
      });
    }
    const parts = serviceHere(context.inputs);
    const started = programFor(program, parts.paths.root, this.config.root);
    const warnings = [...started.warnings, ...(await warningsOfSchedule(parts))];
    const schedule = { every, machine: nameHere(), program: started.program };
    return { result: await installService(schedule, parts, { dryRun: context.flags['dry-run'] }), warnings };
  }

  render({ files, active, dryRun }: ServiceChange, terminal: Terminal): void {
    const is = dryRun ? 'would be' : 'is';
    terminal.result(`The schedule ${is} laid down${active ? ' and started' : ', not started'}: ${files.join(', ')}`);
  }
}
