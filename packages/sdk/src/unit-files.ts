/** How the files of launchd and systemd are written that start d3. */

/** A word of a command line of systemd: `%` and `$` mean something there, blanks end it. */
export function systemdWord(text: string): string {
  const plain = text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[\w./+-]+$/.test(plain) ? plain : `"${plain}"`;
}

export function systemdCommand(words: readonly string[]): string {
  return words.map(systemdWord).join(' ');
}

/** A job of launchd: of a kind of sessions, where it runs when one begins, at a time of the day, or every so many seconds. */
export function launchdJob(
  label: string,
  words: readonly string[],
  when: { session: 'LoginWindow' } | { daily: { hour: number; minute: number } } | { every: number },
): string {
  const entries = [
    entry('Label', text(label)),
    entry('ProgramArguments', `<array>${words.map(text).join('')}</array>`),
    ...('session' in when
      ? [entry('LimitLoadToSessionType', text(when.session)), entry('RunAtLoad', '<true/>')]
      : 'every' in when
        ? [entry('StartInterval', `<integer>${when.every}</integer>`)]
        : [
            entry(
              'StartCalendarInterval',
              `<dict>${entry('Hour', `<integer>${when.daily.hour}</integer>`)}${entry('Minute', `<integer>${when.daily.minute}</integer>`)}</dict>`,
            ),
          ]),
    entry('ExitTimeOut', '<integer>300</integer>'),
  ];
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    '<plist version="1.0">',
    '<dict>',
    ...entries.map((line) => `  ${line}`),
    '</dict>',
    '</plist>',
    '',
  ].join('\n');
}

function entry(name: string, value: string): string {
  return `<key>${name}</key>${value}`;
}

function text(value: string): string {
  return `<string>${value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')}</string>`;
}
