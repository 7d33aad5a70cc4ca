import type { PuppyResult } from './puppytime.ts';
import type { Preview } from './run-here.ts';

/** What was done, or with --dry-run would be. */
export type Ran = ({ dryRun: false } & PuppyResult) | ({ dryRun: true } & Preview);

const STATES: Record<PuppyResult['state'], string> = {
  nothing: 'Nothing waits for a restart.',
  postponed: 'It was postponed.',
  warned: 'Whoever works at the machine was told, and nothing was installed.',
  unasked: 'Somebody works at the machine and could not be asked, so nothing was installed.',
  power: 'There was not enough power, so the rest waits.',
  stopped: 'Somebody logged in, so the rest waits.',
  done: '',
};

const RESTARTS: Record<PuppyResult['restart'], string> = {
  none: '',
  pending: 'A restart is due.',
  policy: 'The policy restarts the machine.',
  d3: 'The machine restarts.',
};

/** What puppytime did, for a person. */
export function told(result: Ran): string {
  const { queue } = result;
  if (result.dryRun) return queue.length === 0 ? STATES.nothing : `Would be installed: ${queue.join(', ')}`;
  const { state, installed, failed, held, restart } = result;
  const lines = [
    STATES[state],
    ...installed.map((edition) => `${edition}: installed`),
    ...failed.map(({ edition, givenUp }) => `${edition}: failed${givenUp ? ' too often, and left the queue' : ''}`),
    ...held.map(({ edition, reason }) => `${edition}: waits (${reason})`),
    ...(queue.length > 0 && state !== 'done' ? [`Waiting: ${queue.join(', ')}`] : []),
    RESTARTS[restart],
  ];
  return lines.filter((line) => line !== '').join('\n');
}
