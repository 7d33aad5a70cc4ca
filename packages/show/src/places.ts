/** Programs that show, by their absolute paths. */
export interface ShowPrograms {
  dialog: string;
  jamfHelper: string;
  launchctl: string;
  sudo: string;
  loginctl: string;
  /** The device that belongs to whoever is logged in at a Mac. */
  console: string;
  browsers: readonly Browser[];
  xServer: XServer;
}

/** An X server that is started for a page alone. */
interface XServer {
  program: string;
  words: readonly string[];
  /** Text of the configuration it is given; null: none. */
  config: string | null;
}

export interface Browser {
  program: string;
  kind: 'chromium' | 'firefox';
  /** May be run as root; none may, on a machine that people use. */
  asRoot?: boolean;
  /** More words for its command line. */
  extra?: readonly string[];
}

export const SHOW_PROGRAMS: ShowPrograms = {
  dialog: '/usr/local/bin/dialog',
  jamfHelper: '/Library/Application Support/JAMF/bin/jamfHelper.app/Contents/MacOS/jamfHelper',
  launchctl: '/bin/launchctl',
  sudo: '/usr/bin/sudo',
  loginctl: '/usr/bin/loginctl',
  console: '/dev/console',
  browsers: [
    { program: '/usr/bin/chromium', kind: 'chromium' },
    { program: '/usr/bin/chromium-browser', kind: 'chromium' },
    { program: '/usr/bin/google-chrome-stable', kind: 'chromium' },
    { program: '/usr/bin/google-chrome', kind: 'chromium' },
    { program: '/usr/bin/microsoft-edge', kind: 'chromium' },
    { program: '/usr/bin/firefox-esr', kind: 'firefox' },
    { program: '/usr/bin/firefox', kind: 'firefox' },
    { program: '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome', kind: 'chromium' },
    { program: '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge', kind: 'chromium' },
    { program: '/Applications/Firefox.app/Contents/MacOS/firefox', kind: 'firefox' },
  ],
  xServer: {
    program: '/usr/bin/Xorg',
    words: ['-background', 'none'],
    // No key leads to another console, none ends it, and it does not go dark.
    config: `Section "ServerFlags"
  Option "DontVTSwitch" "true"
  Option "DontZap" "true"
  Option "BlankTime" "0"
EndSection
`,
  },
};
