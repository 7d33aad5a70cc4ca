import { attributeElement, attributeError } from '@d3/sdk';
import type { ExtensionAttribute } from '../client/extension-attributes.ts';
import type { Report, TrustedCatalog } from '../depot/contract.ts';
import type { MachinePaths } from '../platform/paths.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { ClientCommand, type CommandContext, type Outcome } from './base.ts';

interface Attribute {
  /** Null when it could not be read. */
  attribute: ExtensionAttribute | Report | null;
  error: string | null;
}

/** Reads one off a machine. */
type ReadAttribute = (
  paths: MachinePaths,
  kept: () => Promise<TrustedCatalog | null>,
  version: string,
) => Promise<ExtensionAttribute | Report>;

/**
 * The base of the commands that answer the inventory of another system: one `<result>` element on stdout whatever
 * happens, with `ERROR:` and the reason where there is nothing to tell. Needs no depot and no rights.
 */
export abstract class AttributeCommand extends ClientCommand<Attribute> {
  protected abstract read(): Promise<ReadAttribute>;

  async execute(context: CommandContext<never, never>): Promise<Outcome<Attribute>> {
    try {
      const { machineHere } = await import('./machine.ts');
      const { machine } = await machineHere(context);
      const kept = async () =>
        machine.depot === null ? null : await machine.depot.kept({ expired: true }).catch(() => null);
      return { result: { attribute: await (await this.read())(machine.paths, kept, machine.version), error: null } };
    } catch (error) {
      const known = attributeError(error);
      return { result: { attribute: null, error: known.message }, errors: [known] };
    }
  }

  render({ attribute, error }: Attribute, terminal: Terminal): void {
    terminal.result(attributeElement(attribute, error));
  }
}
