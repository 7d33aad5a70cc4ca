import type { MovingEdition, Overview, Trouble } from '../../views/answers.ts';
import { Bar, Legend } from '../parts/bar.tsx';
import { Age, Ago, Empty, Panel, Said } from '../parts/basics.tsx';
import { Mark } from '../parts/mark.tsx';
import { Shown } from '../parts/shown.tsx';
import { editionAt, hashOf } from '../place.ts';
import { counted, number } from '../words.ts';
import { STATE_WORDS } from './states.ts';

const HEARD = {
  hour: { state: 'fresh', word: 'within an hour' },
  day: { state: 'installed', word: 'within a day' },
  week: { state: 'quiet', word: 'within a week' },
  month: { state: 'silent', word: 'within 30 days' },
  longer: { state: 'failed', word: 'longer ago' },
} as const;

export function OverviewView() {
  return (
    <Shown<Overview> path="overview" what="the overview">
      {(overview) => <All {...overview} />}
    </Shown>
  );
}

function All(overview: Overview) {
  const {
    asOf,
    computers,
    heard,
    failing,
    blocked,
    editions,
    queued,
    runs,
    moving,
    moreMoving,
    troubles,
    moreTroubles,
  } = overview;
  if (computers === 0 && Object.values(editions).every((count) => count === 0)) {
    return (
      <Empty title="This depot is empty">
        Add a package with <code>d3admin add</code>, and run <code>d3 sync</code> on a machine: both will show up here.
      </Empty>
    );
  }
  const silent = heard.filter(({ within }) => within === 'month' || within === 'longer');
  const silentCount = silent.reduce((sum, { computers: count }) => sum + count, 0);
  return (
    <>
      <ul class="tiles">
        <Tile
          href={hashOf(['machines'], { show: 'failing' })}
          state={failing > 0 ? 'failed' : 'done'}
          value={failing}
          what={failing === 1 ? 'machine with failures' : 'machines with failures'}
          more={blocked === 0 ? 'none blocked' : `${number(blocked)} more blocked`}
        />
        <Tile
          href={hashOf(['machines'], { show: 'silent' })}
          state={silentCount > 0 ? 'silent' : 'fresh'}
          value={silentCount}
          what={silentCount === 1 ? 'machine silent for a week' : 'machines silent for a week'}
          more={`of ${counted(computers, 'machine')}`}
        />
        <Tile
          href={hashOf(['queue'])}
          state="restart"
          value={queued.entries}
          what={queued.entries === 1 ? 'package waits for a restart' : 'packages wait for a restart'}
          more={`on ${counted(queued.computers, 'machine')}`}
        />
        <Tile
          href={hashOf(['runs'])}
          state={runs.holding > 0 ? 'holding' : 'running'}
          value={runs.open}
          what={runs.open === 1 ? 'run under way' : 'runs under way'}
          more={`${number(runs.holding)} holding, ${number(runs.failed)} failed`}
        />
      </ul>
      <div class="split">
        <div class="stack main-stack">
          <Panel title="On the move" id="moving" note="Pilots, and what went live within 30 days">
            <Moving moving={moving} more={moreMoving} asOf={asOf} />
          </Panel>
          <Panel title="What machines say is wrong" id="troubles" note="Alike ones counted together">
            <Troubles troubles={troubles} more={moreTroubles} asOf={asOf} />
          </Panel>
        </div>
        <div class="stack">
          <Panel title="Last heard of" id="heard">
            <Parts
              parts={heard.map(({ within, computers: count }) => ({ ...HEARD[within], count }))}
              none="No machine has reported yet."
            />
          </Panel>
          <Panel title="Editions" id="editions">
            <Parts
              parts={(['live', 'pilot', 'deprecated', 'skipped', 'missing'] as const).map((status) => ({
                state: status,
                word: status,
                count: editions[status],
              }))}
              none="The depot has no editions."
            />
          </Panel>
        </div>
      </div>
    </>
  );
}

interface TileProps {
  href: string;
  state: string;
  value: number;
  what: string;
  more: string;
}

function Tile({ href, state, value, what, more }: TileProps) {
  return (
    <li>
      <a class="tile" href={href}>
        <span class="tile-value">
          <Mark state={state} word={number(value)} />
        </span>
        <span class="tile-what">{what}</span>
        <span class="note">{more}</span>
      </a>
    </li>
  );
}

function Parts({ parts, none }: { parts: { state: string; word: string; count: number }[]; none: string }) {
  if (parts.every(({ count }) => count === 0)) return <Empty title={none} />;
  return (
    <>
      <Bar parts={parts} />
      <Legend parts={parts} />
    </>
  );
}

function Moving({ moving, more, asOf }: { moving: readonly MovingEdition[]; more: number; asOf: string }) {
  if (moving.length === 0) {
    return <Empty title="Nothing is on the move">No edition is a pilot, and none went live within 30 days.</Empty>;
  }
  return (
    <>
      <ul class="list">
        {moving.map(({ id, edition, status, since, states }) => (
          <li key={id}>
            <div class="list-line">
              <a href={editionAt(id)}>
                <Said>{edition}</Said>
              </a>
              <Mark state={status} />
              <span class="note">
                since <Age at={since} asOf={asOf} />
              </span>
            </div>
            <Bar thin parts={states.map(({ state, computers: count }) => ({ state, word: state, count }))} />
            <p class="marks">
              {states.length === 0 ? <span class="note">It concerns no machine yet</span> : null}
              {states.map(({ state, computers }) => (
                <Mark key={state} state={state} word={`${number(computers)} ${STATE_WORDS[state]}`} />
              ))}
            </p>
          </li>
        ))}
      </ul>
      {more === 0 ? null : <p class="note foot">and {counted(more, 'older one')}</p>}
    </>
  );
}

function Troubles({ troubles, more, asOf }: { troubles: readonly Trouble[]; more: number; asOf: string }) {
  if (troubles.length === 0)
    return <Empty title="Nothing is wrong">By their newest reports, all machines are well.</Empty>;
  return (
    <>
      <ul class="list">
        {troubles.map(({ subject, edition, state, reason, computers, since }) => (
          <li key={`${subject} ${edition} ${state} ${reason}`}>
            <div class="list-line">
              <Mark state={state} />
              <a href={hashOf(['packages'], { q: subject })}>
                <Said>{edition ?? subject}</Said>
              </a>
              <span class="list-end">{counted(computers, 'machine')}</span>
            </div>
            <p class="reason">
              <Said>{reason}</Said>
            </p>
            <p class="note">
              first said <Ago at={since} asOf={asOf} />
            </p>
          </li>
        ))}
      </ul>
      {more === 0 ? null : <p class="note foot">and {counted(more, 'rarer one')}</p>}
    </>
  );
}
