import { EVENTS } from '@d3/sdk';
import { type ContextOf, D3Command, type Outcome } from '../../cli/base.ts';
import type { Terminal } from '../../terminal/terminal.ts';

interface ListedEvent {
  event: string;
  kind: string;
  /** Milliseconds each plugin has. */
  timeout: number;
  summary: string;
  /** Names of plugins, in the order they are asked. */
  listeners: string[];
}

export default class HooksList extends D3Command<ListedEvent[], typeof HooksList> {
  static override summary = 'Show the events plugins can listen to, and who does, in the order they are asked.';
  static override examples = ['<%= config.bin %> hooks list'];
  static override helpSection = 'Plugins';

  async execute({ hooks }: ContextOf<typeof HooksList>): Promise<Outcome<ListedEvent[]>> {
    const result = EVENTS.map(({ name, kind, timeout, summary }) => ({
      event: name,
      kind,
      timeout,
      summary,
      listeners: [...new Set(hooks.filesFor(name).map((hook) => hook.plugin))],
    }));
    return { result };
  }

  render(events: ListedEvent[], terminal: Terminal): void {
    terminal.table({
      title: 'Events of the bus',
      columns: ['Event', 'Kind', { header: 'Seconds', align: 'right' }, 'What for', 'Listeners'],
      rows: events.map(({ event, kind, timeout, summary, listeners }) => [
        event,
        kind,
        timeout / 1000,
        summary,
        listeners.length === 0 ? '-' : listeners.join(', '),
      ]),
    });
  }
}
