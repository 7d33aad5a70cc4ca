import { Type } from 'typebox';
import type {
  BasenameList,
  ComputerList,
  ComputerStory,
  Overview,
  QueueList,
  RunList,
  RunStory,
  Spread,
} from '../../views/answers.ts';
import { type Asked, type Route, route } from '../route.ts';
import { Anything, answer, byId, byRun, exactly, Line, Time } from '../schemas.ts';

const rows = Type.Array(Anything);
const asOf = Time;
const count = Type.Integer({ minimum: 0 });

const OverviewAnswer = Type.Unsafe<Overview>(
  answer({
    asOf,
    computers: count,
    heard: rows,
    failing: count,
    blocked: count,
    editions: Anything,
    queued: answer({ entries: count, computers: count }),
    runs: answer({ open: count, holding: count, failed: count }),
    moving: rows,
    moreMoving: count,
    troubles: rows,
    moreTroubles: count,
  }),
);
const BasenamesAnswer = Type.Unsafe<BasenameList>(answer({ asOf, basenames: rows }));
const SpreadAnswer = Type.Unsafe<Spread>(
  answer({
    asOf,
    edition: Anything,
    siblings: rows,
    states: rows,
    series: Type.Array(answer({ at: Time, installed: count, troubled: count }), {
      description:
        'Made from the receipts and troubles computers have by their newest reports: one that had the edition and went on is not in it.',
    }),
    oddTimes: count,
    computers: rows,
    more: count,
  }),
);
const ComputersAnswer = Type.Unsafe<ComputerList>(answer({ asOf, computers: rows, total: count }));
const StoryAnswer = Type.Unsafe<ComputerStory>(answer({ asOf, computer: Anything, basenames: rows, reports: rows }));
const QueueAnswer = Type.Unsafe<QueueList>(answer({ asOf, entries: rows, more: count }));
const RunsAnswer = Type.Unsafe<RunList>(answer({ asOf, runs: rows }));
const RunAnswer = Type.Unsafe<RunStory>(
  answer({
    asOf,
    run: Anything,
    steps: rows,
    parts: rows,
    partStates: rows,
    moreParts: count,
    lines: rows,
    earlierLines: count,
  }),
);

/** Whoever may look may see these, by a token or signed in on the page. */
const shown = { method: 'GET', tag: 'page', access: { for: 'people', least: 'viewer' }, page: true } as const;

/** Sums and stories, as the page shows them and anybody else may. */
export const viewRoutes: readonly Route[] = [
  route({
    ...shown,
    id: 'viewOverview',
    url: '/api/v1/views/overview',
    summary: 'What there is and what needs somebody.',
    answer: OverviewAnswer,
    handle: (asked, { views }) => fresh(asked, views.overview()),
  }),
  route({
    ...shown,
    id: 'viewBasenames',
    url: '/api/v1/views/basenames',
    summary: 'Basenames with their editions by status, and how many computers have them.',
    answer: BasenamesAnswer,
    handle: (asked, { views }) => fresh(asked, views.basenames()),
  }),
  route({
    ...shown,
    id: 'viewSpread',
    url: '/api/v1/views/editions/:id/spread',
    summary: 'How far an edition has come: by state and reason, over time, and computer by computer.',
    params: byId,
    answer: SpreadAnswer,
    handle: (asked, { views }) => fresh(asked, views.spread(asked.params.id)),
  }),
  route({
    ...shown,
    id: 'viewComputers',
    url: '/api/v1/views/computers',
    summary: 'Computers with their last contact and what is wrong there.',
    query: exactly({ search: Type.Optional(Type.String({ maxLength: 200 })) }),
    answer: ComputersAnswer,
    handle: (asked, { views }) => fresh(asked, views.computers(asked.query.search ?? '')),
  }),
  route({
    ...shown,
    id: 'viewComputer',
    url: '/api/v1/views/computers/:computer',
    summary: "One computer's whole story, by its id.",
    params: exactly({ computer: Line(64) }),
    answer: StoryAnswer,
    handle: (asked, { views }) => fresh(asked, views.computer(asked.params.computer)),
  }),
  route({
    ...shown,
    id: 'viewQueue',
    url: '/api/v1/views/queue',
    summary: 'What waits for a restart, the oldest first.',
    answer: QueueAnswer,
    handle: (asked, { views }) => fresh(asked, views.queue()),
  }),
  route({
    ...shown,
    id: 'viewRuns',
    url: '/api/v1/views/runs',
    summary: 'Runs, the newest first.',
    answer: RunsAnswer,
    handle: (asked, { views }) => fresh(asked, views.runs()),
  }),
  route({
    ...shown,
    id: 'viewRun',
    url: '/api/v1/views/runs/:id',
    summary: 'One run with its steps and what it said.',
    params: byRun,
    answer: RunAnswer,
    handle: (asked, { views }) => fresh(asked, views.run(asked.params.id)),
  }),
];

/** What is shown to somebody who signed in is kept nowhere. */
function fresh<Answer>(
  { reply }: Pick<Asked<unknown, unknown, unknown>, 'reply'>,
  found: Promise<Answer>,
): Promise<Answer> {
  void reply.header('cache-control', 'no-store');
  return found;
}
