import path from 'node:path';
import { D3Error } from '@d3/sdk';
import { Args } from '@oclif/core';
import { type ContextOf, D3Command, type Outcome } from '../../cli/base.ts';
import type { Terminal } from '../../terminal/terminal.ts';

interface Made {
  depot: string;
}

export default class DepotInit extends D3Command<Made, typeof DepotInit> {
  static override summary = 'Make a depot: the folder that holds packages, and what machines are told of them.';
  static override description =
    'Without DIR it is made where D3_DEPOT says. The keys that sign what machines trust are made in DIR/keys. Its database is a file ' +
    'there too, unless D3_DEPOT_DATABASE or database.url names one on a PostgreSQL server.';
  static override examples = ['<%= config.bin %> depot init /srv/d3'];
  static override args = {
    dir: Args.directory({ name: 'dir', description: 'An empty folder, or one that is not there yet.', exists: false }),
  };
  static override helpSection = 'For admins';

  async execute({ args, inputs }: ContextOf<typeof DepotInit>): Promise<Outcome<Made>> {
    const said = args.dir ?? inputs.depot;
    if (said === null || said === '') {
      throw new D3Error('NO_DEPOT', 'usage', 'Say where the depot is to be made.', { actions: ['d3 depot init DIR'] });
    }
    const { makeDepot } = await import('../../cli/admin-here.ts');
    const depot = path.resolve(said);
    await makeDepot(depot, inputs);
    return { result: { depot } };
  }

  render({ depot }: Made, terminal: Terminal): void {
    terminal.result(
      [
        `A depot is ready in ${depot}.`,
        'Tell d3 of it with --depot, D3_DEPOT, or "depot" in etc/d3.json under the root.',
        `Keep ${depot}/keys to yourself and in your backup: who has them can ship packages to every machine.`,
      ].join('\n'),
    );
  }
}
