import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Refusal, type Session, signOut, whoIsIn } from './api.ts';
import { type Doing, pressed, SHORTCUTS } from './keys.ts';
import { Empty, Failed, Loading } from './parts/basics.tsx';
import { AroundContext } from './parts/shown.tsx';
import { hashOf, type Place, placeOf, type View } from './place.ts';
import { EditionView } from './views/edition.tsx';
import { MachineView } from './views/machine.tsx';
import { MachinesView } from './views/machines.tsx';
import { OverviewView } from './views/overview.tsx';
import { PackagesView } from './views/packages.tsx';
import { QueueView } from './views/queue.tsx';
import { RunsView, RunView } from './views/runs.tsx';
import { SignInView } from './views/sign-in.tsx';
import { clock } from './words.ts';

/** Milliseconds after which everything is read again while somebody looks. */
const AGAIN = 60_000;
/** Milliseconds in which the second of two keys has to follow. */
const SECOND_KEY = 1_500;

const TITLES: Readonly<Record<View, string>> = {
  overview: 'Overview',
  packages: 'Packages',
  edition: 'Edition',
  machines: 'Machines',
  machine: 'Machine',
  queue: 'Puppy queues',
  runs: 'Runs',
  run: 'Run',
  nowhere: 'Nothing is here',
};
const TABS: readonly { view: View; path: readonly string[]; with: readonly View[] }[] = [
  { view: 'overview', path: [], with: ['overview'] },
  { view: 'packages', path: ['packages'], with: ['packages', 'edition'] },
  { view: 'machines', path: ['machines'], with: ['machines', 'machine'] },
  { view: 'queue', path: ['queue'], with: ['queue'] },
  { view: 'runs', path: ['runs'], with: ['runs', 'run'] },
];

type Entry =
  | { state: 'asking' }
  | { state: 'out'; note: string | null }
  | { state: 'in'; session: Session }
  | { state: 'failed'; error: Refusal };

export function App() {
  const [entry, setEntry] = useState<Entry>({ state: 'asking' });
  const find = useCallback(() => {
    setEntry({ state: 'asking' });
    void whoIsIn().then(
      (session) => setEntry({ state: 'in', session }),
      (error: unknown) => {
        if (!(error instanceof Refusal)) throw error;
        setEntry(error.status === 401 ? { state: 'out', note: null } : { state: 'failed', error });
      },
    );
  }, []);
  useEffect(find, []);
  const over = useCallback(() => setEntry({ state: 'out', note: 'You are signed out: the session is over.' }), []);
  if (entry.state === 'asking') return <Loading what="who is signed in" />;
  if (entry.state === 'failed') {
    return (
      <main id="main" class="content">
        <h1>d3 depot</h1>
        <Failed error={entry.error} again={find} />
      </main>
    );
  }
  if (entry.state === 'out')
    return <SignInView note={entry.note} entered={(session) => setEntry({ state: 'in', session })} />;
  const leave = () => {
    void signOut()
      .catch(() => null)
      .then(() => setEntry({ state: 'out', note: 'You are signed out.' }));
  };
  return <Inside session={entry.session} over={over} leave={leave} />;
}

interface InsideProps {
  session: Session;
  over: () => void;
  leave: () => void;
}

function Inside({ session, over, leave }: InsideProps) {
  const [place, setPlace] = useState(() => placeOf(location.hash));
  const [turn, setTurn] = useState(0);
  const [asOf, setAsOf] = useState<string | null>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const help = useRef<HTMLDialogElement>(null);
  const refresh = useCallback(() => setTurn((count) => count + 1), []);
  const [name, setName] = useState<{ where: string; name: string } | null>(null);
  const where = place.view + ('id' in place ? place.id : '');
  const called = useCallback((given: string) => setName({ where, name: given }), [where]);
  const around = useMemo(() => ({ turn, read: setAsOf, out: over, called }), [turn, over, called]);
  const title = name?.where === where ? name.name : TITLES[place.view];

  useEffect(() => {
    const moved = () => setPlace(placeOf(location.hash));
    addEventListener('hashchange', moved);
    return () => removeEventListener('hashchange', moved);
  }, []);
  const before = useRef(where);
  useLayoutEffect(() => {
    if (before.current === where) return;
    before.current = where;
    // Whoever reads with their ears, or walks by keys, begins where the new view begins.
    heading.current?.focus();
    scrollTo(0, 0);
  }, [where]);
  useEffect(() => {
    document.title = `${title} · d3 depot`;
  }, [title]);
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') refresh();
    }, AGAIN);
    return () => clearInterval(timer);
  }, []);
  useKeys((doing) => {
    if (doing === 'help') help.current?.showModal();
    else if (doing === 'refresh') refresh();
    else if (doing === 'filter') document.querySelector<HTMLInputElement>('[data-filter]')?.focus();
    else location.hash = hashOf(doing.go);
  });

  const asked = useCallback((changes: Record<string, string>) => {
    const now = placeOf(location.hash);
    const [path = ''] = location.hash.split('?', 1);
    const search = hashOf([], { ...now.query, ...changes }).slice(2);
    history.replaceState(null, '', `${path === '' ? '#/' : path}${search}`);
    setPlace(placeOf(location.hash));
  }, []);

  return (
    <AroundContext.Provider value={around}>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          heading.current?.focus();
        }}
      >
        Skip to what is shown
      </a>
      <header class="top">
        <a class="brand" href={hashOf([])}>
          <svg viewBox="0 0 32 32" aria-hidden="true">
            <path d="M8 21.500 16 26l8-4.500M8 16l8 4.500 8-4.500M16 6l8 4.500-8 4.500-8-4.500z" />
          </svg>
          d3 depot
        </a>
        <nav aria-label="Views">
          <ul>
            {TABS.map(({ view, path, with: views }) => (
              <li key={view}>
                <a href={hashOf(path)} aria-current={views.includes(place.view) ? 'page' : undefined}>
                  {view === 'queue' ? 'Puppies' : TITLES[view]}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <div class="top-end">
          <span class="note who">
            <bdi>{session.name}</bdi>
          </span>
          <button type="button" class="quiet" onClick={refresh} title="Read everything again (r)">
            {asOf === null ? 'Refresh' : `As of ${clock(asOf)}`}
            <span class="sr-only">, read again</span>
          </button>
          <button
            type="button"
            class="quiet"
            onClick={() => help.current?.showModal()}
            aria-label="Keys"
            title="Keys (?)"
          >
            ?
          </button>
          <button type="button" class="quiet" onClick={leave}>
            Sign out
          </button>
        </div>
      </header>
      <main id="main" class="content">
        <h1 ref={heading} tabIndex={-1}>
          {'id' in place ? <span class="kicker">{TITLES[place.view]} </span> : null}
          <bdi>{title}</bdi>
        </h1>
        <Showing place={place} asked={asked} />
      </main>
      <dialog ref={help} class="help" aria-labelledby="help-title">
        <h2 id="help-title">Keys</h2>
        <dl>
          {SHORTCUTS.map(({ keys, does }) => (
            <div key={keys}>
              <dt>
                {keys.split(' ').map((key) => (
                  <kbd key={key}>{key}</kbd>
                ))}
              </dt>
              <dd>{does}</dd>
            </div>
          ))}
        </dl>
        <form method="dialog">
          <button type="button" class="primary" onClick={() => help.current?.close()}>
            Close
          </button>
        </form>
      </dialog>
    </AroundContext.Provider>
  );
}

function Showing({ place, asked }: { place: Place; asked: (changes: Record<string, string>) => void }) {
  const { query } = place;
  switch (place.view) {
    case 'overview':
      return <OverviewView />;
    case 'packages':
      return <PackagesView query={query} asked={asked} />;
    case 'edition':
      return <EditionView id={place.id} query={query} asked={asked} />;
    case 'machines':
      return <MachinesView query={query} asked={asked} />;
    case 'machine':
      return <MachineView id={place.id} query={query} asked={asked} />;
    case 'queue':
      return <QueueView query={query} asked={asked} />;
    case 'runs':
      return <RunsView query={query} asked={asked} />;
    case 'run':
      return <RunView id={place.id} />;
    case 'nowhere':
      return (
        <Empty title="The address leads nowhere">
          There is no view called <bdi>{place.said}</bdi>. <a href={hashOf([])}>Go to the overview</a>
        </Empty>
      );
  }
}

/** Listens to keys that mean something on the whole page. */
function useKeys(act: (doing: Doing) => void): void {
  const acting = useRef(act);
  acting.current = act;
  useEffect(() => {
    let begun = { key: '', at: 0 };
    const listen = (event: KeyboardEvent) => {
      const target = event.target instanceof HTMLElement ? event.target : null;
      const typing = (target?.closest('input, textarea, select, dialog') ?? null) !== null;
      const modified = event.ctrlKey || event.altKey || event.metaKey;
      const before = event.timeStamp - begun.at < SECOND_KEY ? begun.key : '';
      const { doing, begun: next } = pressed({ key: event.key, modified, typing }, before);
      begun = { key: next, at: event.timeStamp };
      if (doing === null) return;
      event.preventDefault();
      acting.current(doing);
    };
    addEventListener('keydown', listen);
    return () => removeEventListener('keydown', listen);
  }, []);
}
