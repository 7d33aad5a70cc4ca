import { type Check, D3Error, type Option } from '@d3/sdk';

interface Stoppable {
  /** Aborted, the question is taken away unanswered. */
  signal?: AbortSignal | undefined;
}

/**
 * Asks a yes/no question; no is the default.
 * @throws {D3Error} INTERRUPTED when the question is left with ctrl-c or the terminal goes away
 */
export async function ask(
  question: string,
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
): Promise<boolean> {
  return asked({ type: 'confirm', name: 'answer', message: question, default: false }, input, output).then(
    (answer) => answer === true,
  );
}

/**
 * Asks for a line of text.
 * @param check asked before the line is taken; what it says is shown, and the line stays to be mended
 * @throws {D3Error} INTERRUPTED as {@link ask}
 */
export async function askText(
  { question, preset, check, signal }: { question: string; preset: string; check?: Check | undefined } & Stoppable,
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
): Promise<string> {
  const message = preset === '' ? question : `${question} (return for ${preset})`;
  const validate =
    check === undefined ? {} : { validate: async (text: string) => (await check(text || preset)) ?? true };
  const answer = await asked({ type: 'input', name: 'answer', message, ...validate }, input, output, signal);
  return String(answer) || preset;
}

/**
 * Lets somebody choose from a list with the arrow keys, a number, or the first letters.
 * @param rows how many lines of the list are shown at once
 * @throws {D3Error} INTERRUPTED as {@link ask}
 */
export async function askChoice<Value>(
  choice: { question: string; options: readonly Option<Value>[]; preset?: Value | undefined; rows: number } & Stoppable,
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
): Promise<Value> {
  const { question, options, preset, rows } = choice;
  const cursor = options.findIndex(({ value }) => value === preset);
  const answer = await asked(
    {
      type: 'select',
      name: 'answer',
      message: question,
      choices: numbered(options),
      default: Math.max(cursor, 0),
      pageSize: rows,
      theme: { indexMode: 'number' },
    },
    input,
    output,
    choice.signal,
  );
  return (options[answer as number] as Option<Value>).value;
}

/**
 * Lets somebody choose from what `find` gives for the text typed so far; tab takes the text of the line the cursor is on.
 * @throws {D3Error} INTERRUPTED as {@link ask}
 */
export async function askSearch<Value>(
  search: { question: string; find: (typed: string) => readonly Option<Value>[]; rows: number },
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
): Promise<Value> {
  const { question, find, rows } = search;
  let shown: readonly Option<Value>[] = [];
  const source = (typed: string | undefined) => {
    shown = find(typed ?? '');
    return numbered(shown);
  };
  const answer = await asked(
    { type: 'search', name: 'answer', message: question, source, pageSize: rows },
    input,
    output,
  );
  return (shown[answer as number] as Option<Value>).value;
}

function numbered(options: readonly Option<unknown>[]) {
  return options.map(({ label, note }, value) => ({
    value,
    name: label,
    ...(note === undefined ? {} : { description: note }),
  }));
}

/** Asks for something that is not shown while it is typed. */
export async function askSecret(
  { question, signal }: { question: string } & Stoppable,
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
): Promise<string> {
  return String(await asked({ type: 'password', name: 'answer', message: question }, input, output, signal));
}

async function asked(
  question: { type: string; name: 'answer'; message: string; [more: string]: unknown },
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
  signal?: AbortSignal,
): Promise<unknown> {
  signal?.throwIfAborted();
  // Prompting costs more start-up time than everything else together, so it is loaded when somebody is asked.
  const { createPromptModule } = await import('inquirer');
  const prompt = createPromptModule({ input, output, ...(signal === undefined ? {} : { signal }) });
  const gone = whenGone(input);
  try {
    const answers = await Promise.race([prompt([question] as unknown as Parameters<typeof prompt>[0]), gone.promise]);
    return (answers as { answer: unknown }).answer;
  } catch (error) {
    if (error instanceof Error && error.name === 'ExitPromptError') throw interrupted();
    throw error;
  } finally {
    gone.forget();
  }
}

function interrupted(): D3Error {
  return new D3Error('INTERRUPTED', 'interrupted', 'Interrupted; nothing was done.');
}

/** The end of input (ctrl-d, a closed terminal) answers nothing, and a question without an answer would wait for ever. */
function whenGone(input: NodeJS.ReadableStream): { promise: Promise<never>; forget: () => void } {
  let forget = (): void => undefined;
  const promise = new Promise<never>((_, reject) => {
    const end = () => reject(interrupted());
    // On a terminal ctrl-d is a key like others; it ends nothing by itself.
    const key = (_text: unknown, pressed?: { ctrl?: boolean; name?: string }) => {
      if (pressed?.ctrl === true && pressed.name === 'd') end();
    };
    for (const event of ['end', 'close']) input.once(event, end);
    input.on('keypress', key);
    forget = () => {
      for (const event of ['end', 'close']) input.removeListener(event, end);
      input.removeListener('keypress', key);
    };
  });
  return { promise, forget: () => forget() };
}
