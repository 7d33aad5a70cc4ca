/** How the files of launchd are written that start puppytime. */

/** A job of launchd: of a kind of sessions, where it runs when one begins, or at a time of the day. */
export function launchdJob(
  label: string,
  words: readonly string[],
  when: { session: 'LoginWindow' } | { daily: { hour: number; minute: number } },
): string {
  const entries = [
    entry('Label', text(label)),
    entry('ProgramArguments', `<array>${words.map(text).join('')}</array>`),
    ...('session' in when
      ? [entry('LimitLoadToSessionType', text(when.session)), entry('RunAtLoad', '<true/>')]
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
