import type { PluginContext } from '@d3/sdk';
import { keep, recall } from './memory.ts';
import type { Settings } from './settings.ts';
import type { Show } from './show/port.ts';

/** Whether it may begin. `postponed`, `warned` and `unasked` leave everything in the queue. */
export type Consent = 'begin' | 'postponed' | 'warned' | 'unasked';

const DAY = 24 * 60 * 60 * 1000;

/**
 * Whether somebody who works at the machine was warned often and long enough. Pure.
 * @param warned ISO 8601, the first warning first
 */
export function isOverdue(
  warned: readonly string[],
  { warnings, deadlineDays }: Pick<Settings, 'warnings' | 'deadlineDays'>,
  now: Date,
): boolean {
  const [first] = warned;
  if (first === undefined || warned.length < warnings) return false;
  return now.getTime() - Date.parse(first) >= deadlineDays * DAY;
}

/** Asks who is there. @param user who works at the machine; null at the login window */
export function consent(
  user: string | null,
  editions: readonly string[],
  settings: Settings,
  show: Show,
  ports: PluginContext,
): Promise<Consent> {
  const asking = { editions, settings, show, ports };
  return user === null ? consentOfNobody(asking) : consentOfUser(asking);
}

interface Asking {
  editions: readonly string[];
  settings: Settings;
  show: Show;
  ports: PluginContext;
}

const NOW = 'Install now';
const LATER = 'Later';
const GOES_ON = 'It begins by itself in %s.';

/** At the login window it begins unless somebody says that it should not, which they may do so and so often. */
async function consentOfNobody({ editions, settings, show, ports }: Asking): Promise<Consent> {
  const postponed = recall(ports.state, 'postponed');
  const left = settings.postponements - postponed;
  const answer = await show.ask({
    ...asked(editions, settings),
    labels: { continue: NOW, postpone: left > 0 ? LATER : null },
    byItself: 'continue',
    countdown: GOES_ON,
  });
  if (answer !== 'postpone' || left <= 0) return 'begin';
  keep(ports.state, 'postponed', postponed + 1);
  return 'postponed';
}

/**
 * Somebody works there, perhaps with something that is not saved: it does not begin but by their own choice, until they were warned
 * often enough and the deadline has passed. A question nobody answers is a warning, whose default is "later".
 */
async function consentOfUser({ editions, settings, show, ports }: Asking): Promise<Consent> {
  const now = ports.clock.now();
  const warned = recall(ports.state, 'warned');
  if (isOverdue(warned, settings, now)) {
    const answer = await show.ask({
      ...asked(editions, settings, 'Please save your work and close what is open.'),
      labels: { continue: NOW, postpone: null },
      byItself: 'continue',
      countdown: GOES_ON,
    });
    return answer === 'unasked' ? 'unasked' : 'begin';
  }
  const answer = await show.ask({
    ...asked(editions, settings, 'Save your work before you begin, or log out when it suits you.'),
    labels: { continue: NOW, postpone: LATER },
    byItself: 'postpone',
    countdown: 'This closes by itself in %s.',
  });
  if (answer === 'continue') return 'begin';
  if (answer === 'unasked') return 'unasked';
  keep(ports.state, 'warned', [...warned, now.toISOString()]);
  return 'warned';
}

function asked(editions: readonly string[], settings: Settings, more = '') {
  const { optOutText, optOutImage: image, optOutSeconds: seconds, show } = settings;
  const text = [optOutText, more, editions.join(', ')].filter((part) => part !== '').join('\n');
  return { heading: show.title, text, image, seconds };
}
