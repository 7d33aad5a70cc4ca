import type { ProgressEvent, Reporter } from '@d3/sdk';
import type { LogLevel, Settings } from '../config/settings.ts';
import { LOG_LEVELS } from '../config/settings.ts';
import { strftime } from '../config/strftime.ts';
import type { Clock } from '../platform/clock.ts';
import { LogFile } from '../platform/log-file.ts';
import type { MachinePaths } from '../platform/paths.ts';
import { escapeLine, safeJson } from '../terminal/text.ts';

/** What a run leaves in the machine's log. */
export interface Log {
  write(level: LogLevel, text: string): void;
  close(): void;
}

/** Opens the log of a run. @param debug everything is logged, whatever the configuration says */
export type OpenLog = (run: string, debug: boolean, warn: (text: string) => void) => Log;

export const noLog: OpenLog = () => ({ write: () => undefined, close: () => undefined });

type LogSettings = Pick<
  Settings,
  'logFile' | 'logLevel' | 'logFormat' | 'logTimestampFormat' | 'logMaxMegabytes' | 'logKeep'
>;

/** A log that cannot be written is said once and stops nothing. @param host name of the machine, as lines have it */
export function logsOf(
  { root, log }: Pick<MachinePaths, 'root' | 'log'>,
  settings: LogSettings,
  clock: Clock,
  pid: number,
  host: string,
): OpenLog {
  const file = settings.logFile === null ? log : `${root === '/' ? '' : root}${settings.logFile}`;
  return (run, debug, warn) => {
    const { logLevel, logMaxMegabytes, logKeep } = settings;
    if (logLevel === 'off') return noLog(run, debug, warn);
    let lines: LogFile;
    try {
      lines = LogFile.open({ file, most: logMaxMegabytes * 1_000_000, keep: logKeep });
    } catch (error) {
      warn(`nothing is logged: ${(error as Error).message}`);
      return noLog(run, debug, warn);
    }
    const threshold = debug ? 0 : LOG_LEVELS.indexOf(logLevel);
    return {
      write(level, text) {
        if (LOG_LEVELS.indexOf(level) >= threshold)
          lines.write(lineOf({ at: clock.now(), level, run, text, pid, host }, settings));
      },
      close: () => lines.close(),
    };
  };
}

interface Entry {
  at: Date;
  level: LogLevel;
  run: string;
  text: string;
  pid: number;
  host: string;
}

/** One line whatever the text: nobody can forge another by what a package or a script says. */
function lineOf({ at, level, run, text, pid, host }: Entry, { logFormat, logTimestampFormat }: LogSettings): string {
  if (logFormat === 'json') return safeJson({ at: at.toISOString(), program: 'd3', pid, level, run, text });
  // As jamf.log has them: whoever follows that sees what d3 does. What is no news there is marked by its level.
  if (logFormat === 'jamf') {
    const mark = level === 'info' ? '' : `${level.toUpperCase()}: `;
    return escapeLine(`${strftime('%a %b %d %H:%M:%S', at)} ${host} d3[${pid}]: ${mark}${text}`);
  }
  return escapeLine(`${strftime(logTimestampFormat, at)} d3 [${pid}]: ${level.toUpperCase()}: [${run}] ${text}`);
}

/** Also logs what is reported. */
export function logging(report: Reporter, log: Log): Reporter {
  return (event) => {
    const line = lineFor(event);
    if (line !== null) log.write(...line);
    report(event);
  };
}

function lineFor(event: ProgressEvent): [LogLevel, string] | null {
  switch (event.type) {
    case 'begin':
    case 'note':
      return ['info', named(event.target, event.text)];
    case 'warning':
      return ['warn', named(event.target, event.text)];
    case 'detail':
      return ['debug', named(event.target, event.text)];
    case 'end':
      return event.text === ''
        ? null
        : [event.outcome === 'failed' ? 'error' : 'info', named(event.target, event.text)];
    default:
      return null;
  }
}

function named(target: string | null, text: string): string {
  return target === null ? text : `${target}: ${text}`;
}
