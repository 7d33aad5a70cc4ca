import { D3Error, type ProvisioningLogin } from '@d3/sdk';
import type { Screen } from '@d3/show';
import { afterRefusal } from '../rules/credentials.ts';
import { type AccountKind, credentials, credentialsRefused, type Look } from '../screens/forms.ts';

/** Nobody gave an account, or none that is accepted: what needs one is left. */
export class NotSignedIn extends Error {
  /** Nobody was there, as against somebody who does not want to. */
  readonly alone: boolean;

  constructor(why: string, alone: boolean) {
    super(why);
    this.alone = alone;
  }
}

export interface SignInParts {
  screen: Pick<Screen, 'ask'>;
  look: Look;
  /** What is asked for; null: what is kept here is enough. */
  asks: AccountKind | null;
}

/**
 * Somebody's own account, asked for when it is first needed and once. It is in memory only, handed to whoever does the work and let go
 * with {@link forget}: never an argument of a program, in the environment, in a file or in what is said.
 */
export class SignIn {
  readonly #parts: SignInParts;
  #account: ProvisioningLogin | null = null;
  #user = '';
  #refused = 0;

  constructor(parts: SignInParts) {
    this.#parts = parts;
  }

  /**
   * Does work with the account. One that is refused is asked for again, as often as is safe for it.
   * @throws NotSignedIn when there is none; what the work throws besides
   */
  async using<Result>(work: (account: ProvisioningLogin | null) => Promise<Result>): Promise<Result> {
    for (;;) {
      if (this.#account === null) this.#account = await this.#ask();
      try {
        return await work(this.#account);
      } catch (error) {
        if (this.#account === null || !(error instanceof D3Error) || error.exit !== 'notAuthorised') throw error;
        await this.#wasRefused();
      }
    }
  }

  forget(): void {
    this.#account = null;
  }

  async #ask(): Promise<ProvisioningLogin | null> {
    const { screen, look, asks } = this.#parts;
    if (asks === null) return null;
    const answer = await screen.ask(credentials(look, this.#user, asks));
    if (answer.button === null) throw new NotSignedIn(answer.reasons.join('; '), true);
    if (answer.button !== 'ok')
      throw answer.by === 'time' ? new NotSignedIn('nobody answered', true) : new NotSignedIn('it was skipped', false);
    const { user = '', password = '' } = answer.values;
    this.#user = user.trim();
    return { user: this.#user, password };
  }

  async #wasRefused(): Promise<void> {
    const { screen, look } = this.#parts;
    this.#account = null;
    this.#refused += 1;
    const answer = await screen.ask(credentialsRefused(look));
    // Nobody there: an account that is tried again and again by itself is locked.
    const again = answer.button === 'again' && answer.by === 'person';
    if (!again || afterRefusal(this.#refused, 'again') === 'assign')
      throw new NotSignedIn('the credentials were refused', !again && answer.button !== 'skip');
  }
}
