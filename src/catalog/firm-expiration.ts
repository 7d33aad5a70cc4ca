import { wholeNumber } from './names.ts';
import type { FirmExpiration } from './types.ts';

const MAX_DAYS = 1_000_000;

/**
 * Reads when something ends for good: a day of the calendar, or days after the install (`90`, `90d`); 0 days is never.
 * @returns undefined when it is neither
 */
export function readFirmExpiration(text: string): FirmExpiration | null | undefined {
  const word = text.trim();
  if (/^\d{4}-\d{2}-\d{2}$/.test(word)) {
    const day = new Date(`${word}T00:00:00Z`);
    return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(word) ? { on: word } : undefined;
  }
  const days = wholeNumber(word.replace(/d$/i, ''));
  if (days === null || days > MAX_DAYS) return undefined;
  return days === 0 ? null : { days };
}

/** As it is typed; `none` for never. */
export function firmExpirationText(firm: FirmExpiration | null | undefined): string {
  if (firm === null || firm === undefined) return 'none';
  return 'on' in firm ? firm.on : `${firm.days}d`;
}

/** The same for a reader. */
export function firmExpirationWords(firm: FirmExpiration | null | undefined): string {
  if (firm === null || firm === undefined) return 'never';
  return 'on' in firm ? `after ${firm.on}` : `${firm.days} days after the install`;
}

/** Whether its day was over at a moment: machines would remove it at once. */
export function isPast(firm: FirmExpiration | null | undefined, now: Date): boolean {
  if (firm === null || firm === undefined || !('on' in firm)) return false;
  return firm.on < now.toISOString().slice(0, 10);
}
