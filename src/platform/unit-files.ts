/** How files of systemd and launchd are written. */

/** A word of a systemd command line: `%` and `$` mean something there, blanks end it. */
export function systemdWord(text: string): string {
  const plain = text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[\w./+-]+$/.test(plain) ? plain : `"${plain}"`;
}

/** A property list of entries as {@link plistEntry} makes them. */
export function plist(entries: readonly string[], comment?: string): string {
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    ...(comment === undefined ? [] : [`<!-- ${comment} -->`]),
    '<plist version="1.0">',
    '<dict>',
    ...entries.map((entry) => `  ${entry}`),
    '</dict>',
    '</plist>',
    '',
  ].join('\n');
}

export function plistEntry(name: string, value: string): string {
  return `<key>${name}</key>${value}`;
}

export function plistString(text: string): string {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return `<string>${escaped}</string>`;
}
