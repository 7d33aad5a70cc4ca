import type { Spread, SpreadComputer, StandingCount } from '../../views/answers.ts';
import { Bar, Legend } from '../parts/bar.tsx';
import { Age, Ago, Empty, Facts, Moment, Panel, Said } from '../parts/basics.tsx';
import { Mark } from '../parts/mark.tsx';
import { Plot } from '../parts/plot.tsx';
import { Shown, useCalled } from '../parts/shown.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { editionAt, machineAt } from '../place.ts';
import { counted, number } from '../words.ts';
import type { ListProps } from './list.ts';
import { STATE_WORDS } from './states.ts';

const columns = (asOf: string): readonly Column<SpreadComputer>[] => [
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
    id: 'state',
    title: 'State',
    value: ({ state }) => STATE_WORDS[state],
    cell: ({ state }) => <Mark state={state} word={STATE_WORDS[state]} />,
  },
  {
    id: 'reason',
    title: 'Why',
    value: ({ reason }) => reason,
    cell: ({ state, reason }) => (reason === state ? '' : <Said>{reason}</Said>),
  },
  { id: 'has', title: 'Has', value: ({ has }) => has, cell: ({ has }) => (has === null ? '' : <Said>{has}</Said>) },
  {
    id: 'since',
    title: 'Since',
    value: ({ since }) => since,
    cell: ({ since }) => (since === null ? '' : <Moment at={since} />),
  },
  {
    id: 'contact',
    title: 'Last contact',
    value: ({ lastContact }) => lastContact,
    cell: ({ lastContact }) => <Age at={lastContact} asOf={asOf} />,
  },
];

export function EditionView({ id, query, asked }: ListProps & { id: string }) {
  return (
    <Shown<Spread> path={`editions/${encodeURIComponent(id)}/spread`} what="the edition">
      {(spread) => <All spread={spread} query={query} asked={asked} />}
    </Shown>
  );
}

function All({ spread, query, asked }: ListProps & { spread: Spread }) {
  const { asOf, edition, siblings, states, series, oddTimes, computers, more } = spread;
  const parts = states.map(({ state, computers: count }) => ({ state, word: STATE_WORDS[state], count }));
  const all = parts.filter(({ state }) => state !== 'unfit').reduce((sum, { count }) => sum + count, 0);
  useCalled(edition.edition);
  return (
    <>
      <p class="lead">
        <Mark state={edition.status} strong />
        {edition.releasedAt === null ? (
          <span>
            added <Ago at={edition.addedAt} asOf={asOf} /> by <Said>{edition.addedBy}</Said>
          </span>
        ) : (
          <span>
            went live <Ago at={edition.releasedAt} asOf={asOf} />, by <Said>{edition.releasedBy}</Said>
          </span>
        )}
        {edition.description === '' ? null : (
          <span class="note">
            <Said>{edition.description}</Said>
          </span>
        )}
      </p>
      <div class="split left">
        <div class="stack">
          <Panel title="Where it is" id="where" note={`${counted(all, 'machine')} it concerns`}>
            {computers.length === 0 ? (
              <Empty title="It concerns no machine yet">
                {edition.status === 'pilot'
                  ? `Test it on one: d3 pilot ${edition.edition}`
                  : 'No machine that reported has it, waits for it or is meant to have it.'}
              </Empty>
            ) : (
              <>
                <Bar parts={parts} />
                <Legend parts={parts} />
              </>
            )}
          </Panel>
          <Panel title="Why not" id="why" note="Machines without it, by reason">
            <Reasons states={states} />
          </Panel>
        </div>
        <div class="stack">
          <Panel title="Over time" id="curve">
            <Plot series={series} all={all} liveAt={edition.releasedAt} />
            <p class="note">
              Made from what machines have now: the time in each receipt, by the machine's own clock, and when each open
              trouble began. Machines that had it and went on to another edition are not in the curve.
              {oddTimes === 0
                ? ''
                : ` ${counted(oddTimes, 'receipt')} cannot be right in time and count at the nearest end.`}
            </p>
          </Panel>
          <Panel title="What it is" id="what">
            <Facts
              facts={[
                ['Category', edition.category],
                ['Auto groups', edition.autoGroups.join(', ')],
                ['Excluded', edition.excludedGroups.join(', ')],
                ['Systems', edition.oses.join(', ')],
                ['Processor', edition.cpu],
                ['Restart', edition.reboot ? 'needed' : null],
                ['Added', <Moment key="added" at={edition.addedAt} />],
                ['As a pilot', edition.piloting === 0 ? null : counted(edition.piloting, 'machine')],
                ['Frozen', edition.frozen === 0 ? null : counted(edition.frozen, 'machine')],
                [
                  'Others',
                  siblings.length === 0 ? null : (
                    <ul class="editions" key="others">
                      {siblings.toReversed().map((sibling) => (
                        <li key={sibling.id}>
                          <a href={editionAt(sibling.id)}>
                            <Mark state={sibling.status} word={sibling.edition} />
                          </a>{' '}
                          <span class="note">{number(sibling.installed)}</span>
                        </li>
                      ))}
                    </ul>
                  ),
                ],
              ]}
            />
          </Panel>
        </div>
      </div>
      <Panel title="Machines" id="machines">
        <Table
          caption="Machines it concerns"
          one="machine"
          rows={computers}
          columns={columns(asOf)}
          keyOf={({ id }) => id}
          words={({ name, reason, has, id }) => [name, reason, has ?? '', id]}
          choices={states
            .filter(({ computers: count }) => count > 0)
            .map(({ state }) => ({
              id: state,
              title: STATE_WORDS[state],
              picks: (row: SpreadComputer) => row.state === state,
            }))}
          usual={{ column: '', descending: false }}
          query={query}
          asked={asked}
          none={<Empty title="No machine" />}
          foot={more === 0 ? undefined : `and ${counted(more, 'machine')} that are counted above, but not listed`}
        />
      </Panel>
    </>
  );
}

function Reasons({ states }: { states: readonly StandingCount[] }) {
  const reasons = states
    .filter(({ state }) => state !== 'installed')
    .flatMap(({ state, reasons: some }) => some.map((reason) => ({ state, ...reason })))
    .toSorted((a, b) => b.computers - a.computers);
  if (reasons.length === 0) return <Empty title="Nothing stands against it" />;
  return (
    <ul class="list tight">
      {reasons.map(({ state, reason, computers }) => (
        <li key={`${state} ${reason}`}>
          <div class="list-line">
            <Mark state={state} word={STATE_WORDS[state]} />
            <span class="list-end">{number(computers)}</span>
          </div>
          <p class="reason">
            <Said>{reason}</Said>
          </p>
        </li>
      ))}
    </ul>
  );
}
