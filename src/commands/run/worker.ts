import { D3Error } from '@d3/sdk';
import { Flags } from '@oclif/core';
import type { Worked } from '../../admin/run-worker.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../cli/base.ts';
import { duration, wholeNumber } from '../../cli/flags.ts';
import type { Terminal } from '../../terminal/terminal.ts';

/** Seconds: within a share of it the database must have answered. */
const SHORTEST_LEASE = 5;

export default class RunWorker extends AdminCommand<Worked, typeof RunWorker> {
  static override summary = "Advance the depot's runs, as one of any number of workers.";
  static override description =
    'It goes on until it is stopped. Any number of them share the runs of a depot whose store is on PostgreSQL, on as many hosts as ' +
    'reach its folder and its database; on one host they do so too when the store is a file. What a worker was at when it was lost, ' +
    'another takes up when its lease has run out: no completed step is repeated, and no step runs twice at once.';
  static override examples = [
    '<%= config.bin %> run worker',
    '<%= config.bin %> run worker --jobs 8',
    '<%= config.bin %> run worker --once',
  ];
  static override flags = {
    jobs: wholeNumber({ helpValue: 'NUMBER', min: 1, default: 2, summary: 'Runs to advance at the same time.' }),
    lease: duration({
      helpValue: 'TIME',
      default: 60,
      summary: 'How long after a worker was lost another one goes on: 90, 90s or 5m.',
    }),
    once: Flags.boolean({ summary: 'End when there is nothing left that could be advanced.' }),
  };

  async execute(context: ContextOf<typeof RunWorker>): Promise<Outcome<Worked>> {
    const { workHere } = await import('../../cli/run-worker-here.ts');
    const { jobs, lease, once } = context.flags;
    if (lease < SHORTEST_LEASE) {
      throw new D3Error('LEASE_SHORT', 'usage', `A lease lasts ${SHORTEST_LEASE} seconds or more.`, {
        target: '--lease',
        actions: [`give --lease ${SHORTEST_LEASE} or more`],
      });
    }
    return { result: await workHere(context, { jobs, lease, once }) };
  }

  render({ taken }: Worked, terminal: Terminal): void {
    terminal.result(taken === 1 ? 'One run was taken up.' : `${taken} runs were taken up.`);
  }
}
