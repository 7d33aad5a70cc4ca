import { D3Error, D3Errors } from './errors.ts';
import { EXIT_CODES } from './exit-codes.ts';

/**
 * Every problem of a validation at once; a malformed flag counts before an unknown name, that before a broken rule.
 * @throws D3Errors where there is any
 */
export function throwProblems(problems: readonly D3Error[]): void {
  const [first] = problems;
  if (first === undefined) return;
  const exit = (['usage', 'notFound', 'refused'] as const).find((name) =>
    problems.some((problem) => problem.exit === name),
  );
  const alike = problems.every((problem) => problem.exit === first.exit) ? first.exit : 'failed';
  throw new D3Errors(problems, EXIT_CODES[exit ?? alike].code);
}

/** What is wrong with something that is looked at piece by piece. */
export class Problems {
  readonly #found: D3Error[] = [];

  /** Keeps what is wrong with one piece; anything else that is thrown ends the whole. */
  async attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof D3Error)) throw error;
      this.#found.push(error);
    }
  }

  /** @throws D3Errors all of it, where there was any */
  throwAll(): void {
    throwProblems(this.#found);
  }
}
