import type { Screen } from '@d3/show';
import { afterRefusal } from '../rules/credentials.ts';
import { credentials, credentialsRefused, type Look, unwritten } from '../screens/forms.ts';

/** Somebody's account, for this once. It is in memory only, and let go when the writing is over. */
export interface Credentials {
  user: string;
  password: string;
}

/** `refused`: these credentials are not good. `failed`: something else stands against it, in words. */
export type Writing = { state: 'written' } | { state: 'refused' } | { state: 'failed'; why: string };

export interface WriteParts {
  screen: Pick<Screen, 'ask'>;
  look: Look;
  /** Whether somebody's own account is needed: what is kept here may not write. */
  technician: boolean;
  /** Writes what was chosen, once, and reads it back. @param account null: with what is kept here */
  write: (account: Credentials | null) => Promise<Writing>;
}

/** `skipped`: nothing was written; an admin does it from elsewhere, and the machine holds until then. */
export type Written = { state: 'written' } | { state: 'skipped'; why: string };

/** Writes what was chosen. Wrong credentials are asked for again, without anything being chosen again. */
export async function writeAnswers({ screen, look, technician, write }: WriteParts): Promise<Written> {
  let user = '';
  for (let refused = 0; ; ) {
    let account: Credentials | null = null;
    if (technician) {
      const answer = await screen.ask(credentials(look, user));
      if (answer.button === null) return { state: 'skipped', why: answer.reasons.join('; ') };
      if (answer.button !== 'ok')
        return { state: 'skipped', why: answer.by === 'time' ? 'nobody answered' : 'it was skipped' };
      account = { user: answer.values['user'] ?? '', password: answer.values['password'] ?? '' };
      ({ user } = account);
    }
    const outcome = await write(account);
    if (outcome.state === 'written') return outcome;
    if (outcome.state === 'refused') refused += 1;
    const form = outcome.state === 'refused' ? credentialsRefused(look) : unwritten(look, outcome.why);
    const why = outcome.state === 'refused' ? 'the credentials were refused' : outcome.why;
    const answer = await screen.ask(form);
    // Nobody there: an account that is tried again and again by itself is locked.
    const again = answer.button === 'again' && answer.by === 'person';
    if (!again || (outcome.state === 'refused' && afterRefusal(refused, 'again') === 'assign'))
      return { state: 'skipped', why };
  }
}
