import { ClientCommand, type ContextOf, type Outcome, targets } from '../cli/base.ts';
import { detailsText } from '../cli/details-text.ts';
import type { Details } from '../client/details.ts';
import type { Terminal } from '../terminal/terminal.ts';

export default class ListDetails extends ClientCommand<Details[], typeof ListDetails> {
  static override summary = 'Show all of a package: what the depot says, and what is installed here.';
  static override aliases = ['ld'];
  static override examples = ['<%= config.bin %> list-details transmogrifier'];
  static override args = { target: targets('target', 'A basename or an edition.') };

  async execute(context: ContextOf<typeof ListDetails>): Promise<Outcome<Details[]>> {
    const { machineHere } = await import('../cli/machine.ts');
    const { catalogIfAny } = await import('../cli/catalog-at-hand.ts');
    const { eachTarget } = await import('../cli/each-target.ts');
    const { detailsOf } = await import('../client/details.ts');
    const { findDrift } = await import('../client/drift.ts');
    const { indexOf } = await import('../client/lists.ts');
    const { StateReader } = await import('../client/state/state.ts');
    const { machine } = await machineHere(context);
    const warnings: string[] = [];
    const index = indexOf(await catalogIfAny(machine.depot, warnings));
    const state = StateReader.open(machine.paths);
    const [receipts, waits, queue] = [state.receipts(), state.waits(), state.deferred()];
    state.close();
    const drift = await findDrift(receipts, machine.driverFor, machine.paths.root, (text) => void warnings.push(text));
    const { results, errors, exit } = await eachTarget(context.args.target, (target) =>
      detailsOf(target, index, receipts, waits, queue, drift),
    );
    return { result: results, errors, exit, warnings };
  }

  render(details: Details[], terminal: Terminal): void {
    terminal.result(details.map(detailsText).join('\n\n'));
  }
}
