import type { Json, SettingsPort } from '@d3/sdk';
import type { ShowName, ShowSettings } from './show/port.ts';

/** The settings of puppytime, as its package.json declares them. */
export interface Settings {
  notificationPolicy: string | null;
  /** 0 never, -1 always. */
  notificationDays: number;
  notificationText: string;
  notificationImage: string | null;
  rebootPolicy: string | null;
  optOutSeconds: number;
  optOutText: string;
  optOutImage: string | null;
  postponements: number;
  warnings: number;
  deadlineDays: number;
  attempts: number;
  batteryPercent: number;
  powerMinutes: number;
  show: ShowSettings;
}

export async function readSettings(port: SettingsPort): Promise<Settings> {
  const all = await port.all();
  const text = (name: string): string => all[`puppytime.${name}`] as string;
  const number = (name: string): number => all[`puppytime.${name}`] as number;
  const perhaps = (name: string): string | null => (all[`puppytime.${name}`] ?? null) as string | null;
  const ways = (all['puppytime.show'] ?? []) as readonly Json[] as readonly ShowName[];
  return {
    notificationPolicy: perhaps('notificationPolicy'),
    notificationDays: number('notificationDays'),
    notificationText: text('notificationText'),
    notificationImage: perhaps('notificationImage'),
    rebootPolicy: perhaps('rebootPolicy'),
    optOutSeconds: number('optOutSeconds'),
    optOutText: text('optOutText'),
    optOutImage: perhaps('optOutImage'),
    postponements: number('postponements'),
    warnings: number('warnings'),
    deadlineDays: number('deadlineDays'),
    attempts: number('attempts'),
    batteryPercent: number('batteryPercent'),
    powerMinutes: number('powerMinutes'),
    show: {
      title: text('title'),
      folder: perhaps('slideshow'),
      captions: text('captions') === 'yes',
      seconds: number('slideSeconds'),
      size: number('imageSize') === 0 ? null : number('imageSize'),
      texts: {
        caption: text('caption'),
        gone: 'What was installing has gone. It goes on the next time.',
        over: 'All done.',
      },
      ways: ways.length === 0 ? null : ways,
    },
  };
}
