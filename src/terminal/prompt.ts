import { D3Error } from '@d3/sdk';

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
 * @throws {D3Error} INTERRUPTED as {@link ask}
 */
export async function askText(
  { question, preset }: { question: string; preset: string },
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
): Promise<string> {
  const message = preset === '' ? question : `${question} (return for ${preset})`;
  const answer = await asked({ type: 'input', name: 'answer', message }, input, output);
  return String(answer) || preset;
}

/** Asks for something that is not shown while it is typed. */
export async function askSecret(
  question: string,
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
): Promise<string> {
  return String(await asked({ type: 'password', name: 'answer', message: question }, input, output));
}

async function asked(
  question: { type: 'confirm' | 'input' | 'password'; name: 'answer'; message: string; default?: boolean },
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
): Promise<unknown> {
  // Prompting costs more start-up time than everything else together, so it is loaded when somebody is asked.
  const { createPromptModule } = await import('inquirer');
  const prompt = createPromptModule({ input, output });
  const gone = whenGone(input);
  try {
    const answers = await Promise.race([prompt([question] as Parameters<typeof prompt>[0]), gone.promise]);
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
