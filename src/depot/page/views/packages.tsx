import type { BasenameList, BasenameRow, EditionRow, Status } from '../../views/answers.ts';
import { Empty, Said } from '../parts/basics.tsx';
import { Mark } from '../parts/mark.tsx';
import { Shown } from '../parts/shown.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { editionAt } from '../place.ts';
import { number } from '../words.ts';
import type { ListProps } from './list.ts';

const columns: readonly Column<BasenameRow>[] = [
  {
    id: 'basename',
    title: 'Basename',
    heading: true,
    value: ({ basename }) => basename,
    cell: ({ basename }) => <Said>{basename}</Said>,
  },
  { id: 'live', title: 'Live', cell: (row) => editionsOf(row, ['live', 'missing']) },
  { id: 'pilot', title: 'Pilots', cell: (row) => editionsOf(row, ['pilot']) },
  { id: 'past', title: 'Past', cell: (row) => editionsOf(row, ['deprecated', 'skipped', 'archived']) },
  {
    id: 'installed',
    title: 'Machines',
    numeric: true,
    value: ({ installed }) => installed,
    cell: ({ installed }) => number(installed),
  },
  {
    id: 'queued',
    title: 'Waiting',
    numeric: true,
    value: ({ queued }) => queued,
    cell: ({ queued }) => (queued === 0 ? '' : <Mark state="restart" word={number(queued)} />),
  },
  {
    id: 'troubled',
    title: 'In trouble',
    numeric: true,
    value: ({ troubled }) => troubled,
    cell: ({ troubled }) => (troubled === 0 ? '' : <Mark state="failed" word={number(troubled)} />),
  },
];

/** Past editions shown of each basename: the newest. */
const PAST = 3;

function editionsOf(row: BasenameRow, of: readonly Status[]) {
  const editions = row.editions.filter(({ status }) => of.includes(status)).toReversed();
  if (editions.length === 0) return of[0] === 'live' ? <span class="nothing">none is live</span> : null;
  const shown = editions.slice(0, PAST);
  return (
    <ul class="editions">
      {shown.map((edition) => (
        <One key={edition.id} {...edition} />
      ))}
      {editions.length > shown.length ? <li class="note">and {editions.length - shown.length} older</li> : null}
    </ul>
  );
}

function One({ id, version, revision, status, installed }: EditionRow) {
  return (
    <li>
      <a href={editionAt(id)}>
        <Mark state={status} word={`${version}-${revision}`} />
        <span class="sr-only"> {status}</span>
      </a>
      <span class="note"> {number(installed)}</span>
    </li>
  );
}

const has = (status: Status) => (row: BasenameRow) => row.editions.some((edition) => edition.status === status);

export function PackagesView({ query, asked }: ListProps) {
  return (
    <Shown<BasenameList> path="basenames" what="the packages">
      {({ basenames }) => (
        <Table
          caption="Basenames and their editions"
          one="basename"
          rows={basenames}
          columns={columns}
          keyOf={({ basename }) => basename}
          words={(row) => [row.basename, ...row.editions.map(({ edition }) => edition)]}
          choices={[
            { id: 'pilots', title: 'With pilots', picks: has('pilot') },
            { id: 'troubled', title: 'In trouble', picks: ({ troubled }) => troubled > 0 },
            { id: 'waiting', title: 'Waiting', picks: ({ queued }) => queued > 0 },
            { id: 'missing', title: 'File missing', picks: has('missing') },
          ]}
          usual={{ column: 'basename', descending: false }}
          query={query}
          asked={asked}
          none={
            <Empty title="The depot has no packages">
              Add the first: <code>d3admin add NAME -v VERSION -s FILE</code>
            </Empty>
          }
          foot="The small numbers are machines that have the edition, by their newest reports."
        />
      )}
    </Shown>
  );
}
