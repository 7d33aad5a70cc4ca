/** A word of a systemd command line: `%` and `$` mean something there, blanks end it. */
export function systemdWord(text: string): string {
  const plain = text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[\w./+-]+$/.test(plain) ? plain : `"${plain}"`;
}
