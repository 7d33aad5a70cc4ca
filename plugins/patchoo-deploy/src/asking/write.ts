import { D3Error, D3Errors, type ProvisioningLogin } from '@d3/sdk';
import type { Screen } from '@d3/show';
import { type Look, unwritten } from '../screens/forms.ts';
import { NotSignedIn, type SignIn } from './sign-in.ts';

export interface WriteParts {
  screen: Pick<Screen, 'ask'>;
  look: Look;
  signIn: Pick<SignIn, 'using'>;
  /**
   * Writes what was chosen, once, and reads it back. @param account null: with what is kept here
   * @throws D3Error notAuthorised for an account that is refused, and whatever else stands against it
   */
  write: (account: ProvisioningLogin | null) => Promise<void>;
}

/** `skipped`: nothing was written; an admin does it from elsewhere, and the machine holds until then. */
export type Written = { state: 'written' } | { state: 'skipped'; why: string };

/** Writes what was chosen. Wrong credentials are asked for again, without anything being chosen again. */
export async function writeAnswers({ screen, look, signIn, write }: WriteParts): Promise<Written> {
  for (;;) {
    try {
      await signIn.using(write);
      return { state: 'written' };
    } catch (error) {
      if (error instanceof NotSignedIn) return { state: 'skipped', why: error.message };
      if (!(error instanceof D3Error || error instanceof D3Errors)) throw error;
      const { message: why } = error as Error;
      const answer = await screen.ask(unwritten(look, why));
      if (answer.button !== 'again' || answer.by !== 'person') return { state: 'skipped', why };
    }
  }
}
