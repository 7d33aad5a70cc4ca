import type { ComputerStory, StoryReport, StoryRow } from '../../views/answers.ts';
import { Age, Empty, Facts, Moment, Panel, Said } from '../parts/basics.tsx';
import { Mark } from '../parts/mark.tsx';
import { Shown, useCalled } from '../parts/shown.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { editionAt } from '../place.ts';
import { counted } from '../words.ts';
import type { ListProps } from './list.ts';
import { Contact, Troubles } from './machines.tsx';
import { STATE_WORDS } from './states.ts';

const URGENCY = ['failed', 'blocked', 'pending', 'restart', 'held', 'unfit', 'installed'];

const columns: readonly Column<StoryRow>[] = [
  {
    id: 'basename',
    title: 'Basename',
    heading: true,
    value: ({ basename }) => basename,
    cell: ({ basename, live, receipt }) => {
      const id = live?.id ?? receipt?.id;
      return id === undefined ? (
        <Said>{basename}</Said>
      ) : (
        <a href={editionAt(id)}>
          <Said>{basename}</Said>
        </a>
      );
    },
  },
  {
    id: 'state',
    title: 'State',
    value: ({ standing }) => (standing === null ? null : URGENCY.indexOf(standing.state)),
    cell: ({ standing, problem }) =>
      standing === null ? (
        problem === null ? (
          ''
        ) : (
          <Mark state={problem.status} />
        )
      ) : (
        <Mark state={standing.state} word={STATE_WORDS[standing.state]} />
      ),
  },
  {
    id: 'has',
    title: 'Has',
    value: ({ receipt }) => receipt?.edition ?? null,
    cell: ({ receipt }) => (receipt === null ? '' : <Receipt {...receipt} />),
  },
  {
    id: 'live',
    title: 'Live in the depot',
    value: ({ live }) => live?.edition ?? null,
    cell: ({ live }) => (live === null ? <span class="nothing">none</span> : <Said>{live.edition}</Said>),
  },
  {
    id: 'because',
    title: 'As far as the depot knows',
    cell: ({ because }) => (
      <ul class="because">
        {because.map((sentence) => (
          <li key={sentence}>
            <Said>{sentence}</Said>
          </li>
        ))}
      </ul>
    ),
  },
];

function Receipt({ edition, piloting, frozen, installedAt, attention }: NonNullable<StoryRow['receipt']>) {
  return (
    <>
      <Said>{edition}</Said>
      <span class="note">
        {' '}
        <Moment at={installedAt} />
      </span>
      <span class="marks">
        {piloting ? <Mark state="pilot" word="piloting" /> : null}
        {frozen ? <Mark state="held" word="frozen" /> : null}
        {attention === null ? null : <Mark state="blocked" word={attention} />}
      </span>
    </>
  );
}

export function MachineView({ id, query, asked }: ListProps & { id: string }) {
  return (
    <Shown<ComputerStory> path={`computers/${encodeURIComponent(id)}`} what="the machine">
      {(story) => <All story={story} query={query} asked={asked} />}
    </Shown>
  );
}

function All({ story, query, asked }: ListProps & { story: ComputerStory }) {
  const { asOf, computer, basenames, reports } = story;
  const queue = basenames.flatMap(({ queued }) => (queued === null ? [] : [queued]));
  useCalled(computer.name);
  return (
    <>
      <p class="lead">
        <Contact at={computer.lastContact} asOf={asOf} words="last heard of" />
        <Troubles {...computer} />
      </p>
      <Panel
        title="Packages, and why they are as they are"
        id="packages"
        note="The machine itself has the whole chain of reasons: d3 explain NAME"
      >
        <Table
          caption="Packages of this machine"
          one="package"
          rows={basenames}
          columns={columns}
          keyOf={({ basename }) => basename}
          words={({ basename, because, receipt }) => [basename, ...because, receipt?.edition ?? '']}
          usual={{ column: 'state', descending: false }}
          query={query}
          asked={asked}
          none={<Empty title="It has no packages">By its newest report it has none, and none is meant for it.</Empty>}
        />
      </Panel>
      <div class="split left">
        <div class="stack">
          <Panel title="Machine" id="machine">
            <Facts
              facts={[
                ['Id', <code key="id">{computer.id}</code>],
                ['Calls itself', computer.reportedName === computer.name ? null : <Said>{computer.reportedName}</Said>],
                ['Serial number', computer.serial],
                ['Hardware', computer.hardwareUuid],
                ['Model', computer.model],
                ['System', `${computer.os.name} ${computer.os.version}, ${computer.cpu}`],
                ['User', computer.user],
                ['d3', computer.d3],
                ['MAC addresses', computer.macs.join(', ')],
                ['First contact', <Moment key="first" at={computer.firstContact} />],
                ['Last contact', <Moment key="last" at={computer.lastContact} />],
              ]}
            />
          </Panel>
          <Panel title="What is said of it" id="said">
            {computer.groups.length === 0 &&
            [computer.department, computer.building, computer.site].every((each) => each === null) &&
            Object.keys({ ...computer.provisioning, ...computer.attributes }).length === 0 ? (
              <Empty title="Nothing">It is in no group, and nobody said where it belongs.</Empty>
            ) : (
              <Facts
                facts={[
                  ['Groups', computer.groups.join(', ')],
                  ['Site', computer.site],
                  ['Building', computer.building],
                  ['Department', computer.department],
                  ...Object.entries(computer.attributes),
                  ...Object.entries(computer.provisioning),
                ]}
              />
            )}
          </Panel>
        </div>
        <div class="stack">
          <Panel title="Puppy queue" id="puppies">
            {queue.length === 0 ? (
              <Empty title="Nothing waits for a restart" />
            ) : (
              <ul class="list">
                {queue.map(({ id, edition, queuedAt }) => (
                  <li key={id}>
                    <Mark state="restart" word={edition} />{' '}
                    <span class="note">
                      since <Age at={queuedAt} asOf={asOf} />
                    </span>
                  </li>
                ))}
              </ul>
            )}
          </Panel>
          <Panel title="Reports" id="reports" note="The newest ten">
            <Reports reports={reports} asOf={asOf} />
          </Panel>
        </div>
      </div>
    </>
  );
}

function Reports({ reports, asOf }: { reports: readonly StoryReport[]; asOf: string }) {
  if (reports.length === 0) return <Empty title="It has not reported" />;
  return (
    <ol class="list reports">
      {reports.map((report, index) => (
        <li key={report.run}>
          <details open={index === 0}>
            <summary>
              <Mark
                state={report.exit === 0 ? 'done' : 'failed'}
                word={report.exit === 0 ? 'done' : `exit ${report.exit}`}
              />
              <code>d3 {report.command}</code>
              <span class="list-end note">
                <Age at={report.at} asOf={asOf} />
              </span>
            </summary>
            {report.failure === null ? null : (
              <p class="reason">
                <Said>{report.failure}</Said>
              </p>
            )}
            {report.outcomes.length === 0 ? (
              <p class="note">Nothing had to be done.</p>
            ) : (
              <ul class="outcomes">
                {report.outcomes.map(({ target, edition, status, reason }, place) => (
                  <li key={place}>
                    <Mark state={status} /> <Said>{edition ?? target}</Said>
                    {reason === null ? null : (
                      <span class="note">
                        {' '}
                        <Said>{reason}</Said>
                      </span>
                    )}
                  </li>
                ))}
              </ul>
            )}
            <p class="note">
              <Moment at={report.at} />, run <code>{report.run}</code>, {counted(report.outcomes.length, 'outcome')}
            </p>
          </details>
        </li>
      ))}
    </ol>
  );
}
