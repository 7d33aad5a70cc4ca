/** What a word answers to a yes/no question: `y`, `yes`, `true`, `1` and their opposites, in any case; null for any other word. */
export function yesOrNo(word: string): boolean | null {
  if (/^(?:y|yes|true|1)$/i.test(word)) return true;
  return /^(?:n|no|false|0)$/i.test(word) ? false : null;
}
