import type { ComponentChildren } from 'preact';
import type { Refusal } from '../api.ts';
import { age, ago, moment } from '../words.ts';

/** What machines say is shown as it is, and turns nothing around it. */
export function Said({ children }: { children: string | null | undefined }) {
  const isShort = typeof children === 'string' && children.length <= SHORT && !children.includes(' ');
  return <bdi class={isShort ? 'whole' : undefined}>{children}</bdi>;
}

/** Letters of a word that is not broken over lines. */
const SHORT = 32;

/** How long ago, with the moment itself for whoever asks. */
export function Age({ at, asOf }: { at: string; asOf: string }) {
  return (
    <time dateTime={at} title={moment(at)}>
      {age(at, asOf)}
    </time>
  );
}

export function Ago({ at, asOf }: { at: string; asOf: string }) {
  return (
    <time dateTime={at} title={moment(at)}>
      {ago(at, asOf)}
    </time>
  );
}

export function Moment({ at }: { at: string }) {
  return <time dateTime={at}>{moment(at)}</time>;
}

interface PanelProps {
  title: string;
  /** Unique on the page. */
  id: string;
  note?: ComponentChildren;
  wide?: boolean;
  children: ComponentChildren;
}

export function Panel({ title, id, note, wide = false, children }: PanelProps) {
  return (
    <section class={`panel${wide ? ' wide' : ''}`} aria-labelledby={id}>
      <div class="panel-head">
        <h2 id={id}>{title}</h2>
        {note === undefined ? null : <p class="note">{note}</p>}
      </div>
      {children}
    </section>
  );
}

/** Where there is nothing: why, and what would bring something. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children === undefined ? null : <p>{children}</p>}
    </div>
  );
}

export function Loading({ what }: { what: string }) {
  return (
    <div class="loading" role="status">
      <span class="sr-only">Reading {what}</span>
      <span class="bone" />
      <span class="bone" />
      <span class="bone" />
    </div>
  );
}

export function Failed({ error, again }: { error: Refusal; again: () => void }) {
  return (
    <div class="failed" role="alert">
      <p class="empty-title">{error.status === 404 ? 'That is not there' : 'That could not be read'}</p>
      <p>
        <Said>{error.message}</Said>
      </p>
      {error.actions.length === 0 ? null : (
        <ul>
          {error.actions.map((action) => (
            <li key={action}>
              <Said>{action}</Said>
            </li>
          ))}
        </ul>
      )}
      <button type="button" onClick={again}>
        Try again
      </button>
    </div>
  );
}

/** Names with what is said of them. */
export function Facts({ facts }: { facts: readonly (readonly [name: string, value: ComponentChildren])[] }) {
  const known = facts.filter(([, value]) => value !== null && value !== '' && value !== undefined);
  return (
    <dl class="facts">
      {known.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
