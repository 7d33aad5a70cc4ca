import { type D3Error, D3Errors, EXIT_CODES } from '@d3/sdk';

/** Every problem of a validation at once; a malformed flag counts before an unknown name, that before a broken rule. */
export function throwProblems(problems: readonly D3Error[]): void {
  if (problems.length === 0) return;
  const exit = (['usage', 'notFound', 'refused'] as const).find((name) =>
    problems.some((problem) => problem.exit === name),
  );
  throw new D3Errors(problems, EXIT_CODES[exit ?? 'failed'].code);
}
