import type { RunList, RunRow, RunStory } from '../../views/answers.ts';
import { Age, Empty, Facts, Moment, Panel, Said } from '../parts/basics.tsx';
import { Mark } from '../parts/mark.tsx';
import { Shown, useCalled } from '../parts/shown.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { runAt } from '../place.ts';
import { counted, number } from '../words.ts';
import type { ListProps } from './list.ts';

const columns = (asOf: string): readonly Column<RunRow>[] => [
  {
    id: 'origin',
    title: 'Run',
    heading: true,
    value: ({ origin }) => origin,
    cell: ({ id, origin, kind }) => (
      <>
        <a href={runAt(id)}>
          <Said>{origin}</Said>
        </a>{' '}
        <span class="note">{kind}</span>
      </>
    ),
  },
  { id: 'state', title: 'State', value: ({ state }) => state, cell: ({ state }) => <Mark state={state} /> },
  {
    id: 'done',
    title: 'Steps',
    numeric: true,
    value: ({ done, steps }) => (steps === 0 ? 0 : done / steps),
    cell: ({ done, steps }) => `${number(done)} of ${number(steps)}`,
  },
  { id: 'text', title: 'What is said', cell: ({ text }) => <Said>{text}</Said> },
  { id: 'by', title: 'By', value: ({ by }) => by, cell: ({ by }) => <Said>{by}</Said> },
  {
    id: 'created',
    title: 'Begun',
    value: ({ createdAt }) => -Date.parse(createdAt),
    cell: ({ createdAt }) => <Age at={createdAt} asOf={asOf} />,
  },
];

export function RunsView({ query, asked }: ListProps) {
  return (
    <Shown<RunList> path="runs" what="the runs">
      {({ asOf, runs }) => (
        <Table
          caption="Runs of the depot"
          one="run"
          rows={runs}
          columns={columns(asOf)}
          keyOf={({ id }) => id}
          words={({ id, origin, kind, by, state, text }) => [id, origin, kind, by, state, text]}
          choices={[
            { id: 'open', title: 'Under way', picks: ({ endedAt }) => endedAt === null },
            { id: 'holding', title: 'Holding', picks: ({ state }) => state === 'holding' },
            { id: 'failed', title: 'Failed', picks: ({ state }) => state === 'failed' },
          ]}
          usual={{ column: 'created', descending: false }}
          query={query}
          asked={asked}
          none={
            <Empty title="No runs">
              What takes more than one step in the depot, as a policy for the event make-live does, shows up here.
            </Empty>
          }
        />
      )}
    </Shown>
  );
}

export function RunView({ id }: { id: string }) {
  return (
    <Shown<RunStory> path={`runs/${encodeURIComponent(id)}`} what="the run">
      {(story) => <Story {...story} />}
    </Shown>
  );
}

type Part = RunStory['parts'][number];

/** Runs of hosts, and whatever else belongs to a run. */
function Parts({ parts, partStates, moreParts }: Pick<RunStory, 'parts' | 'partStates' | 'moreParts'>) {
  if (parts.length === 0) return null;
  return (
    <Panel title="Runs that belong to it" id="parts" wide>
      <p class="note">{partStates.map(({ state, count }) => `${number(count)} ${state}`).join(', ')}</p>
      <ol class="list">
        {parts.map((part) => (
          <PartLine key={part.id} {...part} />
        ))}
      </ol>
      {moreParts === 0 ? null : <p class="note">{counted(moreParts, 'more run')} not shown</p>}
    </Panel>
  );
}

function PartLine({ id, name, state, step, text, done, steps }: Part) {
  return (
    <li>
      <div class="list-line">
        <a href={runAt(id)}>
          <Said>{name}</Said>
        </a>
        <Mark state={state} />
        <span class="list-end note">
          {number(done)} of {number(steps)}
          {step === null ? '' : `, ${step}`}
        </span>
      </div>
      {text === '' || state === 'done' ? null : (
        <p class="reason">
          <Said>{text}</Said>
        </p>
      )}
    </li>
  );
}

function Story({ asOf, run, steps, lines, earlierLines, ...family }: RunStory) {
  useCalled(run.origin);
  return (
    <>
      <p class="lead">
        <Mark state={run.state} strong />
        <Said>{run.text}</Said>
      </p>
      <div class="columns">
        <Panel title="Steps" id="steps" wide>
          {steps.length === 0 ? (
            <Empty title="It has no steps" />
          ) : (
            <ol class="list">
              {steps.map((step, index) => (
                <li key={index}>
                  <div class="list-line">
                    <span class="step-number">{index + 1}</span>
                    <strong>
                      <Said>{step.name}</Said>
                    </strong>
                    <Mark state={step.state} />
                    <span class="list-end note">
                      {step.startedAt === null ? '' : <Age at={step.startedAt} asOf={asOf} />}
                    </span>
                  </div>
                  {step.text === '' ? null : (
                    <p class="reason">
                      <Said>{step.text}</Said>
                    </p>
                  )}
                  {step.attempts > 1 ? <p class="note">{counted(step.attempts, 'try', 'tries')}</p> : null}
                </li>
              ))}
            </ol>
          )}
        </Panel>
        <Panel title="Run" id="run">
          <Facts
            facts={[
              ['Id', <code key="id">{run.id}</code>],
              ['What', `${run.kind} ${run.origin}`],
              ['By', <Said key="by">{run.by}</Said>],
              ['Begun', <Moment key="begun" at={run.createdAt} />],
              ['Ended', run.endedAt === null ? null : <Moment key="ended" at={run.endedAt} />],
            ]}
          />
        </Panel>
        <Parts {...family} />
        <Panel title="What it said" id="lines" wide>
          {lines.length === 0 ? (
            <Empty title="It said nothing" />
          ) : (
            // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls: keys must reach it
            <div class="log" tabIndex={0} role="log" aria-labelledby="lines">
              {earlierLines === 0 ? null : <p class="note">{counted(earlierLines, 'earlier line')} not shown</p>}
              {lines.map(({ id: line, at, text }) => (
                <p key={line}>
                  <span class="note">
                    <Moment at={at} />
                  </span>{' '}
                  <Said>{text}</Said>
                </p>
              ))}
            </div>
          )}
        </Panel>
      </div>
    </>
  );
}
