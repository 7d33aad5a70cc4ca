import type { ComponentChildren } from 'preact';
import { createContext } from 'preact';
import { useCallback, useContext, useEffect, useState } from 'preact/hooks';
import type { AsOf } from '../../views/answers.ts';
import { ask, Refusal } from '../api.ts';
import { Failed, Loading } from './basics.tsx';

/** What all views need of the page around them. */
export interface Around {
  /** Grows when everything is to be read again. */
  turn: number;
  /** Something was read, true at this moment. */
  read: (asOf: string) => void;
  /** The session is over. */
  out: () => void;
  /** What is shown has a name of its own. */
  called: (name: string) => void;
}

export const AroundContext = createContext<Around>({
  turn: 0,
  read: () => undefined,
  out: () => undefined,
  called: () => undefined,
});

interface ShownProps<Answer> {
  /** Below the API's `views/`. */
  path: string;
  /** For those who wait. */
  what: string;
  children: (answer: Answer) => ComponentChildren;
}

type Found<Answer> = { path: string; answer: Answer | null; error: Refusal | null };

/** Reads something and shows it; what was read last stays while it is read again. */
export function Shown<Answer extends AsOf>({ path, what, children }: ShownProps<Answer>) {
  const { turn, read, out } = useContext(AroundContext);
  const [found, setFound] = useState<Found<Answer>>({ path, answer: null, error: null });
  const [tries, setTries] = useState(0);
  useEffect(() => {
    const gone = new AbortController();
    void (async () => {
      try {
        const answer = await ask<Answer>(`views/${path}`, { signal: gone.signal });
        if (gone.signal.aborted) return;
        read(answer.asOf);
        setFound({ path, answer, error: null });
      } catch (error) {
        if (gone.signal.aborted) return;
        if (!(error instanceof Refusal)) throw error;
        if (error.status === 401) out();
        else
          setFound((last) => ({
            path,
            answer: last.path === path && error.status !== 404 ? last.answer : null,
            error,
          }));
      }
    })();
    return () => gone.abort();
  }, [path, turn, tries]);
  const again = useCallback(() => setTries((count) => count + 1), []);
  const { answer, error } = found.path === path ? found : { answer: null, error: null };
  if (answer === null) return error === null ? <Loading what={what} /> : <Failed error={error} again={again} />;
  return (
    <>
      {error === null ? null : (
        <p class="stale" role="alert">
          This is what was read last: {error.message}{' '}
          <button type="button" class="link" onClick={again}>
            Try again
          </button>
        </p>
      )}
      {children(answer)}
    </>
  );
}

/** Gives the page the name of what is shown, for its heading and title. */
export function useCalled(name: string): void {
  const { called } = useContext(AroundContext);
  useEffect(() => called(name), [name, called]);
}
