import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { matching, type Sorting, type SortValue, sorted, sortingOf, sortingWord } from '../rows.ts';
import { counted, number } from '../words.ts';
import { Empty } from './basics.tsx';

export interface Column<Row> {
  id: string;
  title: string;
  cell: (row: Row) => ComponentChildren;
  /** Absent: nobody sorts by it. */
  value?: (row: Row) => SortValue;
  numeric?: true;
  /** The cell that says which row it is. */
  heading?: true;
}

interface Choice<Row> {
  id: string;
  title: string;
  picks: (row: Row) => boolean;
}

interface TableProps<Row> {
  caption: string;
  /** What a row is, for counting: `machine`. */
  one: string;
  many?: string;
  rows: readonly Row[];
  columns: readonly Column<Row>[];
  keyOf: (row: Row) => string;
  /** Words a row is found by; absent: the table has no filter. */
  words?: (row: Row) => readonly string[];
  choices?: readonly Choice<Row>[];
  usual: Sorting;
  /** Filter, choice and order, as the address holds them. */
  query: Readonly<Record<string, string>>;
  /** Called with what changed. */
  asked: (changes: Record<string, string>) => void;
  /** What is shown when there is no row at all. */
  none: ComponentChildren;
  /** What more should be said below. */
  foot?: ComponentChildren;
}

/** Rows shown at first, and how many more each time. */
const AT_ONCE = 100;

/** Rows that sort and filter; on a narrow screen each becomes a card. */
export function Table<Row>(props: TableProps<Row>) {
  const { caption, one, many, rows, columns, keyOf, words, choices = [], usual, query, asked, none, foot } = props;
  const [shownRows, setShownRows] = useState(AT_ONCE);
  const sortable = columns.flatMap(({ id, value }) => (value === undefined ? [] : [id]));
  const sorting = sortingOf(query['sort'], sortable, usual);
  const typed = query['q'] ?? '';
  const chosen = choices.find(({ id }) => id === query['show']);
  const found = words === undefined ? [...rows] : matching(rows, typed, words);
  const picked = chosen === undefined ? found : found.filter(chosen.picks);
  const by = columns.find(({ id }) => id === sorting.column)?.value;
  const ordered = by === undefined ? picked : sorted(picked, by, sorting.descending);
  const shown = ordered.slice(0, shownRows);
  if (rows.length === 0) return <>{none}</>;
  const sort = (column: string) => {
    const next =
      sorting.column === column ? { column, descending: !sorting.descending } : { column, descending: false };
    asked({ sort: sortingWord(next) });
  };
  return (
    <>
      {words === undefined ? null : (
        <search class="tools">
          <label class="filter">
            <span class="sr-only">Filter {caption}</span>
            <input
              type="search"
              value={typed}
              placeholder="Filter"
              autocomplete="off"
              spellcheck={false}
              data-filter=""
              onInput={(event) => asked({ q: event.currentTarget.value })}
            />
          </label>
          {choices.length === 0 ? null : (
            <div class="choices" role="group" aria-label={`Which of the ${many ?? `${one}s`}`}>
              <ChoiceButton
                title="All"
                count={found.length}
                on={chosen === undefined}
                pick={() => asked({ show: '' })}
              />
              {choices.map(({ id, title, picks }) => (
                <ChoiceButton
                  key={id}
                  title={title}
                  count={found.filter(picks).length}
                  on={chosen?.id === id}
                  pick={() => asked({ show: id })}
                />
              ))}
            </div>
          )}
          <p class="count" role="status">
            {ordered.length === rows.length
              ? counted(rows.length, one, many)
              : `${number(ordered.length)} of ${counted(rows.length, one, many)}`}
          </p>
        </search>
      )}
      {ordered.length === 0 ? (
        <Empty title="Nothing fits">
          <button type="button" class="link" onClick={() => asked({ q: '', show: '' })}>
            Show all {counted(rows.length, one, many)}
          </button>
        </Empty>
      ) : (
        // On narrow screens these are no table cells to a browser: the roles stay.
        <table role="table">
          <caption class="sr-only">{caption}</caption>
          <thead role="rowgroup">
            <tr role="row">
              {columns.map(({ id, title, value, numeric }) => (
                <th
                  key={id}
                  role="columnheader"
                  scope="col"
                  class={numeric ? 'numeric' : undefined}
                  aria-sort={
                    value === undefined || sorting.column !== id
                      ? undefined
                      : sorting.descending
                        ? 'descending'
                        : 'ascending'
                  }
                >
                  {value === undefined ? (
                    title
                  ) : (
                    <button type="button" class="sort" onClick={() => sort(id)}>
                      {title}
                      <svg class="arrow" viewBox="0 0 16 16" aria-hidden="true">
                        <path d="M8 4l4 7H4z" fill="currentColor" />
                      </svg>
                    </button>
                  )}
                </th>
              ))}
            </tr>
          </thead>
          <tbody role="rowgroup">
            {shown.map((row) => (
              <tr key={keyOf(row)} role="row">
                {columns.map(({ id, title, cell, numeric, heading }) => {
                  const content = cell(row);
                  const isBare = content === null || content === '' || content === undefined;
                  const name = [numeric ? 'numeric' : '', isBare ? 'bare' : ''].filter(Boolean).join(' ');
                  return heading ? (
                    <th key={id} scope="row" role="rowheader" class={name || undefined}>
                      {content}
                    </th>
                  ) : (
                    <td key={id} role="cell" class={name || undefined} data-title={title}>
                      <div class="cell">{content}</div>
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {ordered.length > shown.length ? (
        <p class="more">
          <button type="button" onClick={() => setShownRows(shownRows + 4 * AT_ONCE)}>
            Show {number(Math.min(4 * AT_ONCE, ordered.length - shown.length))} more of{' '}
            {number(ordered.length - shown.length)}
          </button>
        </p>
      ) : null}
      {foot === undefined ? null : <p class="note foot">{foot}</p>}
    </>
  );
}

function ChoiceButton({ title, count, on, pick }: { title: string; count: number; on: boolean; pick: () => void }) {
  return (
    <button type="button" class="choice" aria-pressed={on} onClick={pick}>
      {title} <span class="choice-count">{number(count)}</span>
    </button>
  );
}
