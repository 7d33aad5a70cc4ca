import { D3Error } from '@d3/sdk';
import { Type } from 'typebox';
import { problemsWith } from '../../../json-schema.ts';
import { systemClock } from '../../../platform/clock.ts';
import { runSchema } from '../../../runs/schema.ts';
import { LINES_KEPT, type Run } from '../../../runs/types.ts';
import { type Route, route } from '../route.ts';
import { Anything, answer, byRun, exactly, list, orNull, Time } from '../schemas.ts';

const viewers = { for: 'people', least: 'viewer' } as const;
/** Whoever writes a run decides what the depot's hosts do. */
const releasers = { for: 'people', least: 'releaser' } as const;
/** What a run is, its own schema says when it comes. */
const RunBody = Type.Unsafe<Run>({
  type: 'object',
  required: ['schema', 'id', 'generation'],
  properties: { schema: { type: 'string' }, id: { type: 'string' }, generation: { type: 'integer' } },
  additionalProperties: true,
});
const LARGE = 4 * 1024 * 1024;

/** Runs that the depot keeps. */
export const runRoutes: readonly Route[] = [
  route({
    id: 'listRuns',
    method: 'GET',
    url: '/api/v1/runs',
    summary: 'Runs, the newest first.',
    tag: 'runs',
    access: viewers,
    query: exactly({ open: Type.Optional(Type.Boolean()), alone: Type.Optional(Type.Boolean()) }),
    answer: answer({ runs: Type.Array(Anything) }),
    handle: async ({ query }, { depot }) => ({
      runs: await depot.store.runs.list({ open: query.open === true, alone: query.alone === true }),
    }),
  }),
  route({
    id: 'listRunFamily',
    method: 'GET',
    url: '/api/v1/runs/:id/family',
    summary: 'The runs that belong to one, in short.',
    tag: 'runs',
    access: viewers,
    params: byRun,
    answer: answer({ runs: Type.Array(Anything) }),
    handle: async ({ params }, { depot }) => ({ runs: await depot.store.runs.family(params.id) }),
  }),
  route({
    id: 'readyRuns',
    method: 'GET',
    url: '/api/v1/ready-runs',
    summary: 'Ids of runs that are to be advanced now, and the time here.',
    tag: 'runs',
    access: viewers,
    query: exactly({
      limit: Type.Integer({ minimum: 0, maximum: 10_000 }),
      family: Type.Optional(byRun.properties.id),
      at: Type.Optional(Time),
    }),
    answer: answer({ ids: Type.Array(Type.String()), now: Time }),
    async handle({ query }, { depot }) {
      const ids = await depot.store.runs.ready(query);
      return { ids, now: ((await depot.store.serverTime()) ?? systemClock.now()).toISOString() };
    },
  }),
  route({
    id: 'getRun',
    method: 'GET',
    url: '/api/v1/runs/:id',
    summary: 'One run.',
    tag: 'runs',
    access: viewers,
    params: byRun,
    answer: Anything,
    async handle({ params }, { depot }) {
      const run = await depot.store.runs.get(params.id);
      if (run !== null) return run;
      throw new D3Error('RUN_NOT_FOUND', 'notFound', `There is no run ${params.id}.`, { target: params.id });
    },
  }),
  route({
    id: 'addRun',
    method: 'POST',
    url: '/api/v1/runs',
    summary: 'Put down a run.',
    tag: 'runs',
    access: releasers,
    body: RunBody,
    bodyLimit: LARGE,
    async handle({ body }, { depot }) {
      await refuseNoRun(body);
      await depot.store.runs.create(body);
    },
  }),
  route({
    id: 'saveRun',
    method: 'PUT',
    url: '/api/v1/runs/:id',
    summary: 'Replace a run whose generation is still the one that was seen.',
    tag: 'runs',
    access: releasers,
    params: byRun,
    query: exactly({ generation: Type.Integer({ minimum: 0 }) }),
    body: RunBody,
    bodyLimit: LARGE,
    answer: answer({ saved: Type.Boolean() }),
    async handle({ params, query, body }, { depot }) {
      if (body.id !== params.id)
        throw new D3Error('REQUEST_INVALID', 'usage', 'The run has another id than its address.', { target: body.id });
      await refuseNoRun(body);
      return { saved: await depot.store.runs.save(body, query.generation) };
    },
  }),
  route({
    id: 'linesOfRun',
    method: 'GET',
    url: '/api/v1/runs/:id/lines',
    summary: 'What was said by a run.',
    tag: 'runs',
    access: viewers,
    params: byRun,
    query: exactly({ after: Type.Optional(Type.Integer({ minimum: 0 })) }),
    answer: answer({
      lines: Type.Array(answer({ id: Type.Integer(), at: Time, step: orNull(Type.Integer()), text: Type.String() })),
    }),
    handle: async ({ params, query }, { depot }) => ({
      lines: await depot.store.runs.lines(params.id, query.after ?? 0),
    }),
  }),
  route({
    id: 'appendLines',
    method: 'POST',
    url: '/api/v1/runs/:id/lines',
    summary: 'Add to what was said by a run.',
    tag: 'runs',
    access: releasers,
    params: byRun,
    body: exactly({
      lines: list(
        exactly({ at: Time, step: orNull(Type.Integer({ minimum: 0 })), text: Type.String({ maxLength: 100_000 }) }),
        LINES_KEPT,
      ),
    }),
    bodyLimit: LARGE,
    handle: ({ params, body }, { depot }) => depot.store.runs.append(params.id, body.lines),
  }),
];

async function refuseNoRun(run: Run): Promise<void> {
  const problems = await problemsWith(run, runSchema);
  if (problems !== null) throw new D3Error('RUN_INVALID', 'usage', `That is no run: ${problems}.`, { target: run.id });
}
