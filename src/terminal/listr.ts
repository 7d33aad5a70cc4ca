import { Writable } from 'node:stream';
import { Listr, ListrLogger, ProcessOutput } from 'listr2';

/** One task as it is drawn. */
export interface DrawnTask {
  title: string;
  task(context: unknown, wrapper: { title: string; output: string; skip(message?: string): void }): Promise<void>;
}

/** Draws tasks one after the other as they go, and leaves them standing. Loaded only where somebody watches. */
export async function drawTasks(stream: NodeJS.WriteStream, tasks: readonly DrawnTask[]): Promise<void> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() }) as NodeJS.WriteStream;
  const logger = new ListrLogger({
    useIcons: true,
    toStderr: [],
    processOutput: new ProcessOutput(stream, nowhere),
  });
  await new Listr(
    tasks.map((task) => ({ ...task, rendererOptions: { outputBar: 1 } })),
    {
      renderer: 'default',
      // Whether somebody watches was asked of the stream it is drawn on; stdout may be a pipe.
      forceTTY: true,
      exitOnError: false,
      registerSignalListeners: false,
      rendererOptions: { logger, showErrorMessage: false, collapseErrors: true, collapseSkips: false },
    },
  ).run();
}
