import { Type } from 'typebox';
import { type Route, route } from '../route.ts';
import { Anything, answer, exactly, HistoryAnswer, Line, list, Time, timeIn } from '../schemas.ts';

const MAX_EVENTS = 100_000;
const Target = Type.String({ pattern: '^[a-z][a-z0-9-]*:\\d{1,15}$', description: 'kind:id, e.g. edition:12' });

/** Who changed what, and when. */
export const historyRoutes: readonly Route[] = [
  route({
    id: 'listHistory',
    method: 'GET',
    url: '/api/v1/history',
    summary: 'Events, oldest first; the newest of those that fit.',
    tag: 'depot',
    access: { for: 'people', least: 'viewer' },
    query: exactly({
      target: Type.Optional(list(Target, 1000)),
      kind: Type.Optional(Line(64)),
      id: Type.Optional(Type.Integer({ minimum: 0 })),
      by: Type.Optional(Line(255)),
      what: Type.Optional(Line(64)),
      since: Type.Optional(Time),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_EVENTS })),
    }),
    answer: HistoryAnswer,
    async handle({ query: { target, ...filter } }, { depot }) {
      if (filter.since !== undefined) filter.since = timeIn(filter.since, 'since');
      const targets = target?.map((each) => {
        const [kind = '', id = ''] = each.split(':');
        return { kind, id: Number(id) };
      });
      return { events: await depot.store.history.list({ ...filter, ...(targets === undefined ? {} : { targets }) }) };
    },
  }),
  route({
    id: 'addHistory',
    method: 'POST',
    url: '/api/v1/history',
    summary: 'Write down what was done to the depot itself; what changes a record is written down by itself.',
    tag: 'depot',
    access: { for: 'people', least: 'admin' },
    body: exactly({
      what: Type.String({ pattern: '^depot\\.[a-z]{1,50}$' }),
      target: exactly({ kind: Type.Literal('depot'), id: Type.Literal(0), name: Line(255) }),
      before: Anything,
      after: Anything,
    }),
    handle: ({ body, by }, { depot }) => depot.store.history.add({ ...body, by }),
  }),
  route({
    id: 'targetsCalled',
    method: 'GET',
    url: '/api/v1/history/targets',
    summary: 'What has or ever had a name.',
    tag: 'depot',
    access: { for: 'people', least: 'viewer' },
    query: exactly({ name: Line(1000) }),
    answer: answer({ targets: Type.Array(answer({ kind: Type.String(), id: Type.Integer() })) }),
    handle: async ({ query }, { depot }) => ({ targets: await depot.store.history.targetsCalled(query.name) }),
  }),
];
