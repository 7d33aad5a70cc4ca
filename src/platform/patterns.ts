import vm from 'node:vm';
import { D3Error } from '@d3/sdk';

/** Characters of a pattern. */
const MAX_PATTERN = 1_000;
/** Milliseconds all the matching of one question may take. */
const PATIENCE = 2_000;

/**
 * The words that any of the patterns is found in; case does not matter. Matching stops at a time limit, so that a
 * pattern that backtracks without end cannot keep the host busy: V8 looks at the limit while it backtracks.
 * @param patterns JavaScript regular expressions; none of them means all words
 * @param flag what was given with them, for messages
 * @throws D3Error usage `PATTERN_INVALID` or `PATTERN_TOO_SLOW`
 */
export function matchingWords(
  patterns: readonly string[],
  words: readonly string[],
  flag: string,
  patience = PATIENCE,
): Set<string> {
  if (patterns.length === 0) return new Set(words);
  for (const pattern of patterns) refuseMalformed(pattern, flag);
  const found: number[] = [];
  const inside = { patterns: [...patterns], words: [...words], found };
  try {
    vm.runInNewContext(
      `const all = patterns.map((pattern) => new RegExp(pattern, 'i'));
       words.forEach((word, at) => { if (all.some((one) => one.test(word))) found.push(at); });`,
      inside,
      { timeout: patience },
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    const target = patterns.join(' ');
    throw new D3Error(
      'PATTERN_TOO_SLOW',
      'usage',
      `Matching ${target} was given up after ${patience / 1000} seconds: the pattern tries too many ways to match.`,
      { target, actions: ['Write it without a repetition inside of a repetition, as (a+)+ is.'], cause: error },
    );
  }
  return new Set(found.map((at) => words[at] as string));
}

function refuseMalformed(pattern: string, flag: string): void {
  let why: string;
  if (pattern.length > MAX_PATTERN) why = `it is longer than ${MAX_PATTERN} characters`;
  else {
    try {
      ''.search(new RegExp(pattern, 'i'));
      return;
    } catch (error) {
      why = (error as Error).message;
    }
  }
  throw new D3Error('PATTERN_INVALID', 'usage', `${flag} ${pattern} is no regular expression: ${why}.`, {
    target: pattern,
    actions: ['Put a backslash before a character that stands for itself, and quotes around the whole for the shell.'],
  });
}
