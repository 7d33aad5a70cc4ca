import { shortened } from './errors.ts';

const KEPT_PER_KIND = 10;

/** Collects warnings; of each kind only the first few are kept word for word, so that a hostile package cannot flood. */
export class Warnings {
  readonly #kinds = new Map<string, { texts: string[]; more: number }>();

  add(kind: string, text: string): void {
    let known = this.#kinds.get(kind);
    if (known === undefined) {
      known = { texts: [], more: 0 };
      this.#kinds.set(kind, known);
    }
    if (known.texts.length < KEPT_PER_KIND) known.texts.push(shortened(text));
    else known.more += 1;
  }

  list(): string[] {
    const lines: string[] = [];
    for (const [kind, { texts, more }] of this.#kinds) {
      lines.push(...texts);
      if (more > 0) lines.push(`${more} more warnings like these (${kind})`);
    }
    return lines;
  }
}
