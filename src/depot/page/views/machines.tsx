import type { ComputerList, ComputerRow } from '../../views/answers.ts';
import { Age, Ago, Empty, Said } from '../parts/basics.tsx';
import { Mark, Shape, toneOf } from '../parts/mark.tsx';
import { Shown } from '../parts/shown.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { machineAt } from '../place.ts';
import { counted, freshness, number } from '../words.ts';
import type { ListProps } from './list.ts';

const columns = (asOf: string): readonly Column<ComputerRow>[] => [
  {
    id: 'name',
    title: 'Machine',
    heading: true,
    value: ({ name }) => name,
    cell: ({ id, name }) => (
      <a href={machineAt(id)}>
        <Said>{name}</Said>
      </a>
    ),
  },
  {
    id: 'contact',
    title: 'Last contact',
    value: ({ lastContact }) => -Date.parse(lastContact),
    cell: ({ lastContact }) => <Contact at={lastContact} asOf={asOf} />,
  },
  {
    id: 'trouble',
    title: 'Trouble',
    value: ({ failed, blocked }) => failed * 1000 + blocked,
    cell: (row) => <Troubles {...row} />,
  },
  {
    id: 'queued',
    title: 'Waiting',
    numeric: true,
    value: ({ queued }) => queued,
    cell: ({ queued }) => (queued === 0 ? '' : <Mark state="restart" word={number(queued)} />),
  },
  {
    id: 'receipts',
    title: 'Packages',
    numeric: true,
    value: ({ receipts }) => receipts,
    cell: ({ receipts }) => number(receipts),
  },
  {
    id: 'os',
    title: 'System',
    value: ({ os }) => `${os.name} ${os.version}`,
    cell: ({ os, cpu }) => (
      <>
        <Said>{`${os.name} ${os.version}`}</Said> <span class="note">{cpu}</span>
      </>
    ),
  },
  {
    id: 'user',
    title: 'User',
    value: ({ user }) => user,
    cell: ({ user }) => (user === null ? '' : <Said>{user}</Said>),
  },
  {
    id: 'place',
    title: 'Place',
    value: (row) => placeOf(row) || null,
    cell: (row) => (placeOf(row) === '' ? null : <Said>{placeOf(row)}</Said>),
  },
  { id: 'd3', title: 'd3', value: ({ d3 }) => d3, cell: ({ d3 }) => <Said>{d3}</Said> },
];

function placeOf({ site, building, department }: ComputerRow): string {
  return [site, building, department].filter((each) => each !== null).join(' · ');
}

/** @param words before how long ago it was, where that does not go without saying */
export function Contact({ at, asOf, words }: { at: string; asOf: string; words?: string }) {
  const state = freshness(at, asOf);
  return (
    <span class={`mark tone-${toneOf(state)}`}>
      <Shape state={state} />
      <span>
        {words === undefined ? (
          <Age at={at} asOf={asOf} />
        ) : (
          <>
            {words} <Ago at={at} asOf={asOf} />
          </>
        )}
      </span>
      <span class="sr-only">, {state}</span>
    </span>
  );
}

export function Troubles({ failed, blocked }: Pick<ComputerRow, 'failed' | 'blocked'>) {
  if (failed === 0 && blocked === 0) return <span class="nothing">none</span>;
  return (
    <span class="marks">
      {failed === 0 ? null : <Mark state="failed" word={`${number(failed)} failed`} />}
      {blocked === 0 ? null : <Mark state="blocked" word={`${number(blocked)} blocked`} />}
    </span>
  );
}

export function MachinesView({ query, asked }: ListProps) {
  return (
    <Shown<ComputerList> path={`computers${searchOf(query['find'])}`} what="the machines">
      {({ asOf, computers, total }) => (
        <Table
          caption="Machines by their newest reports"
          one="machine"
          rows={computers}
          columns={columns(asOf)}
          keyOf={({ id }) => id}
          words={(row) => [
            row.name,
            row.id,
            row.serial ?? '',
            row.user ?? '',
            `${row.os.name} ${row.os.version}`,
            row.cpu,
            row.d3,
            placeOf(row),
          ]}
          choices={[
            { id: 'failing', title: 'Failing', picks: ({ failed }) => failed > 0 },
            { id: 'blocked', title: 'Blocked', picks: ({ blocked }) => blocked > 0 },
            { id: 'waiting', title: 'Waiting', picks: ({ queued }) => queued > 0 },
            { id: 'silent', title: 'Silent', picks: ({ lastContact }) => freshness(lastContact, asOf) === 'silent' },
          ]}
          usual={{ column: 'name', descending: false }}
          query={query}
          asked={asked}
          none={
            <Empty title={query['find'] === undefined ? 'No machine has reported yet' : 'No machine is called so'}>
              Machines are known by their reports: run <code>d3 sync</code> on one.
            </Empty>
          }
          foot={
            total > computers.length ? (
              <>
                These are {number(computers.length)} of {counted(total, 'machine')}. What you type above filters these;{' '}
                <button type="button" class="link" onClick={() => asked({ find: query['q'] ?? '', q: '' })}>
                  look for it among all
                </button>
                .
              </>
            ) : undefined
          }
        />
      )}
    </Shown>
  );
}

function searchOf(find: string | undefined): string {
  return find === undefined || find === '' ? '' : `?${new URLSearchParams({ search: find }).toString()}`;
}
