import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

/** Looks for a secret where others could read it: the words and the environment of every process, again and again. */
export class SecretWatch {
  readonly #secret: string;
  readonly #found = new Set<string>();
  readonly #timer: NodeJS.Timeout;
  #looks = 0;

  constructor(secret: string) {
    this.#secret = secret;
    this.#timer = setInterval(() => this.#look(), 20);
  }

  get looks(): number {
    return this.#looks;
  }

  /** @returns where it was seen */
  end(): string[] {
    clearInterval(this.#timer);
    return [...this.#found];
  }

  #look(): void {
    this.#looks += 1;
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
      for (const what of ['cmdline', 'environ'])
        if (textOf(`/proc/${pid}/${what}`).includes(this.#secret)) this.#found.add(`${pid} ${what}`);
  }
}

/** The files below a folder that have a text in them. */
export function filesWith(folder: string, text: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => path.join(folder, name))
    .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true && textOf(file).includes(text));
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    // It ended, or is somebody else's.
    return '';
  }
}
