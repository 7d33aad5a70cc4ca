import type { ImportResult } from './here.ts';
import type { Fate } from './take-in.ts';

/** What came of an import, for a person. */
export function told({ plan, proposals, packages }: ImportResult): string {
  if (plan !== null) {
    const guesses = proposals.filter(({ sure }) => sure === 'guess').length;
    const look = guesses === 0 ? '' : ` ${guesses} of them are guesses: write yes in the column sure once you looked.`;
    return `${plan} has ${proposals.length} packages.${look} Then: d3 jamf import --plan ${plan}`;
  }
  if (packages.length === 0) return 'Nothing was taken in.';
  return packages.map(({ fileName, ...fate }) => `${fileName}: ${wordsOf(fate)}`).join('\n');
}

function wordsOf({ fate, edition }: Pick<Fate, 'fate' | 'edition'>): string {
  if (fate === 'imported') return `${edition}, a pilot`;
  if (fate === 'linked') return `linked to ${edition}, which has its file`;
  if (fate === 'there') return `in already, as ${edition}`;
  if (fate === 'would be imported') return `would be ${edition}`;
  return fate;
}
