import type { ProgressEvent, Reporter } from '@d3/sdk';
import { Meter } from './meter.ts';
import type { Terminal } from './terminal.ts';

/** Lines of how far something has come are this far apart, milliseconds. */
const LINE_MS = 5000;

/**
 * Renders what services say while they work, on stderr: a tree that moves on a terminal, else lines, one for each event worth one.
 */
export function reporterTo(terminal: Terminal): Reporter {
  const meters = new Map<string, Meter>();
  return (event) => render(event, terminal, meters);
}

function render(event: ProgressEvent, terminal: Terminal, meters: Map<string, Meter>): void {
  switch (event.type) {
    case 'begin': {
      const { live } = terminal;
      if (live === null) terminal.progress(named(event.target, event.text));
      else live.begin(event.target, event.text);
      break;
    }
    case 'note':
      terminal.progress(named(event.target, event.text));
      break;
    case 'end': {
      // What failed is told by the command's error; here it is only the end of the line of events.
      meters.delete(event.target);
      const { live } = terminal;
      if (live !== null) live.end(event);
      else if (event.text !== '') terminal.progress(named(event.target, event.text));
      break;
    }
    case 'warning':
      terminal.warn(named(event.target, event.text));
      break;
    case 'detail':
      terminal.info(named(event.target, event.text));
      break;
    case 'advance': {
      const { live } = terminal;
      if (live === null) advanced(event, terminal, meters);
      else live.advance(event);
      break;
    }
  }
}

function advanced(
  { target, done, total, unit }: Extract<ProgressEvent, { type: 'advance' }>,
  terminal: Terminal,
  meters: Map<string, Meter>,
): void {
  const meter = meters.get(target) ?? new Meter(done);
  meters.set(target, meter);
  if (meter.isDue(LINE_MS)) terminal.progress(named(target, meter.text(done, total, unit)));
}

function named(target: string | null, text: string): string {
  return target === null ? text : `${target}: ${text}`;
}
