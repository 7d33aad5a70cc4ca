import type { QueueList, QueueRow } from '../../views/answers.ts';
import { Age, Empty, Said } from '../parts/basics.tsx';
import { Mark } from '../parts/mark.tsx';
import { Shown } from '../parts/shown.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { editionAt, machineAt } from '../place.ts';
import { counted } from '../words.ts';
import type { ListProps } from './list.ts';
import { Contact } from './machines.tsx';

const columns = (asOf: string): readonly Column<QueueRow>[] => [
  {
    id: 'edition',
    title: 'Edition',
    heading: true,
    value: ({ edition }) => edition,
    cell: ({ id, edition }) => (
      <a href={editionAt(id)}>
        <Said>{edition}</Said>
      </a>
    ),
  },
  { id: 'status', title: 'Status', value: ({ status }) => status, cell: ({ status }) => <Mark state={status} /> },
  {
    id: 'machine',
    title: 'Machine',
    value: ({ computer }) => computer.name,
    cell: ({ computer }) => (
      <a href={machineAt(computer.id)}>
        <Said>{computer.name}</Said>
      </a>
    ),
  },
  {
    id: 'queued',
    title: 'Waiting since',
    value: ({ queuedAt }) => -Date.parse(queuedAt),
    cell: ({ queuedAt }) => <Age at={queuedAt} asOf={asOf} />,
  },
  { id: 'admin', title: 'Asked for by', value: ({ admin }) => admin, cell: ({ admin }) => <Said>{admin}</Said> },
  {
    id: 'contact',
    title: 'Last contact',
    value: ({ lastContact }) => -Date.parse(lastContact),
    cell: ({ lastContact }) => <Contact at={lastContact} asOf={asOf} />,
  },
];

export function QueueView({ query, asked }: ListProps) {
  return (
    <Shown<QueueList> path="queue" what="the puppy queues">
      {({ asOf, entries, more }) => (
        <Table
          caption="What waits for a restart"
          one="puppy"
          many="puppies"
          rows={entries}
          columns={columns(asOf)}
          keyOf={({ computer, basename }) => `${computer.id} ${basename}`}
          words={({ edition, computer, admin, status }) => [edition, computer.name, admin, status]}
          choices={[{ id: 'pilots', title: 'Pilots', picks: ({ piloting }) => piloting }]}
          usual={{ column: 'queued', descending: true }}
          query={query}
          asked={asked}
          none={
            <Empty title="No puppies">
              Packages that need a restart wait in the queues of their machines; at the moment none does.
            </Empty>
          }
          foot={more === 0 ? undefined : `and ${counted(more, 'puppy', 'puppies')} that are younger`}
        />
      )}
    </Shown>
  );
}
