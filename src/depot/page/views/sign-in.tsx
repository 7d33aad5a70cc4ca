import { useEffect, useRef, useState } from 'preact/hooks';
import { Refusal, type Session, signIn } from '../api.ts';

/** What can stand in a header; anything else is no token. */
const TOKEN = /^[\x21-\x7e]{1,512}$/;

interface SignInProps {
  /** Why it is asked again. */
  note: string | null;
  entered: (session: Session) => void;
}

export function SignInView({ note, entered }: SignInProps) {
  const field = useRef<HTMLInputElement>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [isAsking, setIsAsking] = useState(false);
  useEffect(() => field.current?.focus(), []);
  const enter = async (token: string) => {
    if (!TOKEN.test(token)) {
      setProblem(token === '' ? 'Type or paste a token.' : 'That is no token: one looks like d3t_ and 43 letters.');
      field.current?.focus();
      return;
    }
    setIsAsking(true);
    try {
      entered(await signIn(token));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      setProblem(error.message);
      setIsAsking(false);
      field.current?.focus();
      field.current?.select();
    }
  };
  return (
    <main id="main" class="sign-in" tabIndex={-1}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void enter((field.current?.value ?? '').trim());
        }}
      >
        <h1>d3 depot</h1>
        {note === null ? null : <p class="note">{note}</p>}
        <label for="token">Token</label>
        <input
          ref={field}
          id="token"
          name="token"
          type="password"
          autocomplete="current-password"
          spellcheck={false}
          aria-invalid={problem !== null}
          aria-describedby={problem === null ? 'token-help' : 'token-problem token-help'}
        />
        {problem === null ? null : (
          <p id="token-problem" class="problem" role="alert">
            {problem}
          </p>
        )}
        <button type="submit" class="primary" disabled={isAsking}>
          {isAsking ? 'Signing in' : 'Sign in'}
        </button>
        <p id="token-help" class="note">
          The one d3admin uses; an admin makes one with <code>d3admin token add NAME --role viewer</code>. This page
          only looks, and signs you out after 12 hours.
        </p>
      </form>
    </main>
  );
}
