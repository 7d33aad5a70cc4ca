import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { oneLine } from '@d3/show';
import { countdownOf } from './drivers/program-window.ts';
import type { Show, ShowAnswer, ShowName, ShowQuestion, ShowSettings } from './port.ts';
import type { Progress } from './scene.ts';
import { Slideshow } from './slideshow.ts';

/** A terminal that somebody watches, and may type into. */
export interface Terminal {
  input: NodeJS.ReadableStream;
  output: NodeJS.WriteStream;
}

const BAR = 30;

/** The show in a terminal: the title, what is done, how far it is, and the captions of images that cannot be seen here. */
export async function openTerminal(
  terminal: Terminal,
  settings: ShowSettings,
  failed: readonly { driver: ShowName; reason: string }[],
): Promise<Show> {
  const { Listr, ListrLogger, ProcessOutput } = await import('listr2');
  const { output } = terminal;
  let end: () => void = () => undefined;
  let drawn: Promise<unknown> | null = null;
  let draw: (title: string, below: string) => void = () => undefined;
  let last: Progress = { message: '', done: 0, total: 0 };
  let caption = '';
  const slideshow = new Slideshow(settings.folder, () => performance.now());
  const turn = async (): Promise<void> => {
    const next = settings.captions ? await slideshow.next() : null;
    caption = next?.slide.caption ?? oneLine(settings.texts.caption);
    redraw();
  };
  const redraw = (): void => draw(oneLine(last.message), `${barOf(last)}${caption}`);

  const begin = (): void => {
    if (drawn !== null) return;
    const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() }) as NodeJS.WriteStream;
    const logger = new ListrLogger({ useIcons: true, toStderr: [], processOutput: new ProcessOutput(output, nowhere) });
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const task = {
      title: oneLine(settings.title),
      task: async (_context: unknown, wrapper: { title: string; output: string }) => {
        draw = (title, below) => {
          wrapper.title = title === '' ? oneLine(settings.title) : title;
          wrapper.output = below;
        };
        redraw();
        await ended;
      },
      rendererOptions: { outputBar: 1 },
    };
    drawn = new Listr([task], {
      renderer: 'default',
      forceTTY: true,
      exitOnError: false,
      registerSignalListeners: false,
      rendererOptions: { logger },
    })
      .run()
      // A terminal that goes away is no reason to stop.
      .catch(() => undefined);
    void turn();
  };
  const timer = setInterval(() => void turn(), settings.seconds * 1000);
  timer.unref();

  return {
    way: () => 'terminal',
    failed: () => failed,
    ask: (question) => askIn(terminal, question),
    progress: (progress) => {
      last = progress;
      begin();
      redraw();
    },
    over: (message) => {
      last = { message, done: last.total, total: last.total };
      begin();
      redraw();
    },
    close: async () => {
      clearInterval(timer);
      end();
      await drawn;
    },
  };
}

function barOf({ done, total }: Progress): string {
  if (total <= 0) return '';
  const full = Math.round((BAR * Math.min(done, total)) / total);
  return `[${'#'.repeat(full)}${'.'.repeat(BAR - full)}] ${done} of ${total}  `;
}

/** Asks in the terminal: return alone is what happens by itself; the other answer has a letter. The time that is left is shown. */
function askIn({ input, output }: Terminal, question: ShowQuestion): Promise<ShowAnswer> {
  const { labels, byItself } = question;
  const until = performance.now() + question.seconds * 1000;
  const lines = createInterface({ input, output, terminal: true });
  const other =
    byItself === 'continue' ? ({ answer: 'postpone', key: 'l' } as const) : ({ answer: 'continue', key: 'i' } as const);
  const offered = labels[other.answer];
  const choice = `Return: ${labels[byItself] ?? labels.continue}.${offered === null ? '' : ` ${other.key} and return: ${offered}.`}`;
  const words = [oneLine(question.heading), '', ...question.text.split('\n').map((line) => oneLine(line, 2000)), ''];
  output.write(`${words.join('\n')}\n`);
  return new Promise((resolve) => {
    let settled = false;
    const settle = (answer: ShowAnswer): void => {
      if (settled) return;
      settled = true;
      clearInterval(ticker);
      lines.close();
      output.write('\n');
      resolve(answer);
    };
    const tick = (): void => {
      if (performance.now() >= until) return settle(byItself);
      const left = countdownOf({ ...question, id: '', until }, performance.now());
      lines.setPrompt(`${oneLine(left)} ${oneLine(choice)} `);
      lines.prompt(true);
    };
    const ticker = setInterval(tick, 1000);
    lines.on('line', (line) => {
      const chosen = offered !== null && line.trim().toLowerCase().startsWith(other.key);
      settle(chosen ? other.answer : byItself);
    });
    // Ctrl-c asks for nothing to happen now.
    lines.on('SIGINT', () => settle(labels.postpone === null ? byItself : 'postpone'));
    lines.on('close', () => settle(byItself));
    tick();
  });
}
