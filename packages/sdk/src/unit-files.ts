/** A word of a command line of systemd: `%` and `$` mean something there, blanks end it. */
export function systemdWord(text: string): string {
  const plain = text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[\w./+-]+$/.test(plain) ? plain : `"${plain}"`;
}

export function systemdCommand(words: readonly string[]): string {
  return words.map(systemdWord).join(' ');
}
