import type { Command } from '@oclif/core';
import type { Installation } from '../startup/installation.ts';
import { ClientCommand, type CommandContext } from './base.ts';
import { sessionOf } from './session.ts';

/** What a command that changes plugins reads of its context. */
type Asked = Pick<
  CommandContext<{ wait?: number | undefined }, unknown>,
  'flags' | 'inputs' | 'env' | 'version' | 'report' | 'signal'
>;

type Looking = Omit<Asked, 'flags'> & Pick<CommandContext<unknown, unknown>, 'terminal'>;

/** The base of the commands about plugins. */
export abstract class PluginsCommand<Result, T extends typeof Command = typeof Command> extends ClientCommand<
  Result,
  T
> {
  static override helpSection = 'Plugins';

  protected get installation(): Installation {
    return sessionOf(this.config).installation ?? { root: this.config.root, code: 'dist' };
  }

  protected async ports({ flags, inputs, env, version, report, signal }: Asked) {
    const { pluginsHere } = await import('./plugins-here.ts');
    const { installation } = this;
    return pluginsHere({ installation, inputs, env, version, wait: flags.wait, report, signal });
  }

  /** What is newer than what is here, where a person looks; nobody else is told, and nobody asked. */
  protected async newer({ terminal, inputs, env, version, report, signal }: Looking): Promise<string | null> {
    if (!terminal.interactive || !terminal.canAsk) return null;
    const { newerHere } = await import('./plugins-here.ts');
    const { installation } = this;
    return await newerHere({ installation, inputs, env, version, wait: undefined, report, signal });
  }
}
