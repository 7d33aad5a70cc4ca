import type { HookTracer } from '../lifecycle/bus.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** Shows each call of a plugin, when asked to. */
export function hookTracer(terminal: Terminal, wanted: boolean): HookTracer {
  if (!wanted) return () => undefined;
  return (event, outcome, milliseconds) => {
    const why = 'why' in outcome ? `: ${outcome.why}` : '';
    terminal.notice(`${event} ${outcome.plugin} ${outcome.kind} (${milliseconds.toFixed(0)} ms)${why}`);
  };
}
