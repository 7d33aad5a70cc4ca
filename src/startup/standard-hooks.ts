import type { Config, Plugin } from '@oclif/core';
import type { Terminal } from '../terminal/terminal.ts';

/** oclif's own events around a command, and not d3's, which the bus runs. */
type StandardEvent = 'init' | 'prerun' | 'postrun' | 'finally';

/** Milliseconds a plugin has for one of them. */
const LIMIT = 10_000;

/** The commands that set a broken d3 right. They run whatever plugins do. */
const RESCUE = /^(?:help|h|version|v|doctor|plugins(?::.+)?)$/;

export function isRescue(id: string): boolean {
  return RESCUE.test(id);
}

/** Leaves out the hooks of everything that was installed: one of them may never come to an end. */
export function silence(plugins: readonly Plugin[]): void {
  for (const plugin of plugins) if (plugin.type !== 'core') plugin.hooks = {};
}

/**
 * Runs oclif's events without letting a plugin end the command: what fails there is a warning that names the plugin.
 * Who wants to have a say in what d3 does listens to an event of d3.
 */
export function standardHooks(config: Config, terminal: Terminal) {
  return async (event: StandardEvent, payload: object): Promise<void> => {
    if (!config.getPluginsList().some(({ hooks }) => hooks[event] !== undefined)) return;
    // oclif's own timer lets the process end under a hook that hangs.
    const alive = setTimeout(() => undefined, LIMIT + 1000);
    try {
      const { failures } = await config.runHook(event, payload as never, LIMIT, true);
      for (const { error, plugin } of failures) {
        terminal.warn(`The plugin ${plugin.name} failed over "${event}": ${wordsOf(error)}.`);
      }
    } finally {
      clearTimeout(alive);
    }
  };
}

function wordsOf(error: unknown): string {
  const { message = '', oclif } = (error ?? {}) as { message?: string; oclif?: { exit?: number } };
  if (message.startsWith('EEXIT')) return `it tried to end d3 with ${oclif?.exit ?? 0}`;
  return (message || String(error)).split('\n', 1)[0]?.replace(/\.$/, '') ?? '';
}
