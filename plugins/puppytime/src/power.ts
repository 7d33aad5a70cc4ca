import type { PluginContext } from '@d3/sdk';
import type { Settings } from './settings.ts';

/** Milliseconds between two looks at the battery. */
const LOOK = 10_000;

/**
 * Waits until there is power enough: it is plugged in, or its battery is full enough, or it has none.
 * @param pause waits; the reason of its signal ends it
 * @param waiting told once when it has to be waited for
 * @returns false when the time was up before
 */
export async function powerEnough(
  { power }: Pick<PluginContext, 'power'>,
  { batteryPercent, powerMinutes }: Pick<Settings, 'batteryPercent' | 'powerMinutes'>,
  pause: (milliseconds: number) => Promise<void>,
  waiting: (percent: number) => void,
): Promise<boolean> {
  for (let waited = 0; ; waited += LOOK) {
    const battery = await power.battery();
    if (battery === null || battery.charging || battery.percent >= batteryPercent) return true;
    if (waited >= powerMinutes * 60_000) return false;
    if (waited === 0) waiting(battery.percent);
    await pause(LOOK);
  }
}
