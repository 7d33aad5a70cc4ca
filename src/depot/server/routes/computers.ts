import { D3Error } from '@d3/sdk';
import { Type } from 'typebox';
import type { Computer, KeptReport } from '../../store/contract.ts';
import { requireOwn } from '../callers.ts';
import { type Route, route, type ServerParts } from '../route.ts';
import {
  Anything,
  answer,
  byComputer,
  ComputerAnswer,
  exactly,
  Line,
  list,
  orNull,
  Rows,
  StatusWord,
} from '../schemas.ts';

const viewers = { for: 'people', least: 'viewer' } as const;
const MAX_NAMES = 200_000;
/** Rows of an answer, whatever is asked for: more would not fit into memory. */
const MOST_ROWS = 250_000;
/** Reports in one answer. */
const REPORTS_AT_ONCE = 200;
const LARGE = 16 * 1024 * 1024;

const filterProperties = {
  basenames: Type.Optional(list(Line(60), MAX_NAMES)),
  computers: Type.Optional(list(Line(64), MAX_NAMES)),
  limit: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
};
const queuedProperties = {
  ...filterProperties,
  statuses: Type.Optional(list(StatusWord, 10)),
  missing: Type.Optional(list(Type.Integer({ minimum: 1 }), MAX_NAMES)),
  piloting: Type.Optional(Type.Literal(true)),
  outdated: Type.Optional(Type.Literal(true)),
};
/** What only waits cannot be frozen. */
const QueuedFilter = exactly(queuedProperties);
const InstalledFilter = exactly({ ...queuedProperties, frozen: Type.Optional(Type.Literal(true)) });

/** A question about one computer that goes by its id, and one answer for it. */
function about(part: 'receipts' | 'outcomes' | 'queue' | 'reports', summary: string): Route {
  return route({
    id: `${part}OfComputer`,
    method: 'GET',
    url: `/api/v1/computers/:computer/${part}`,
    summary,
    tag: 'computers',
    access: viewers,
    params: byComputer,
    answer: Rows,
    async handle({ params }, { depot }) {
      return { rows: await depot.store.computers[part](params.computer) };
    },
  });
}

/** What is known of machines by their reports. */
export const computerRoutes: readonly Route[] = [
  route({
    id: 'listComputers',
    method: 'GET',
    url: '/api/v1/computers',
    summary: 'All computers, by name.',
    tag: 'computers',
    access: viewers,
    answer: answer({ computers: Type.Array(ComputerAnswer) }),
    handle: async (_asked, { depot }) => ({ computers: await depot.store.computers.list() }),
  }),
  route({
    id: 'getComputer',
    method: 'GET',
    url: '/api/v1/computers/:computer',
    summary: 'One computer, by its id or its name.',
    tag: 'computers',
    access: viewers,
    params: byComputer,
    answer: ComputerAnswer,
    handle: ({ params }, server) => computerMeant(params.computer, server),
  }),
  route({
    id: 'removeComputer',
    method: 'DELETE',
    url: '/api/v1/computers/:computer',
    summary: 'Forget a computer and its reports, and revoke its key.',
    tag: 'computers',
    access: { for: 'people', least: 'admin' },
    params: byComputer,
    changes: true,
    handle: ({ params, by }, { depot }) => depot.store.computers.remove(params.computer, by),
  }),
  about('receipts', 'What it has by its newest report.'),
  about('outcomes', 'What came of its newest run.'),
  about('queue', 'What waits for a restart there.'),
  about('reports', 'Its newest reports, newest first.'),
  route({
    id: 'provisioningOfComputer',
    method: 'GET',
    url: '/api/v1/computers/:computer/provisioning',
    summary: 'What is known of the provisioning of one computer, by its id.',
    tag: 'computers',
    access: { for: 'provisioning' },
    params: byComputer,
    answer: answer({
      computer: answer({ id: Type.String(), name: Type.String(), serial: orNull(Type.String()) }),
      provisioning: Type.Record(Type.String(), Type.String()),
      said: orNull(Anything),
    }),
    async handle({ params, caller }, server) {
      requireOwn(caller, params.computer);
      const { id, name, claims } = await computerMeant(params.computer, server);
      // Another may call itself what this one's id is.
      requireOwn(caller, id);
      const { store } = server.depot;
      const [newest] = await store.computers.reports(id);
      const said = await store.documents('computer').byName(id);
      return {
        computer: { id, name: said?.body.name ?? name, serial: claims.serial },
        provisioning: newest?.provisioning ?? {},
        said: said?.body ?? null,
      };
    },
  }),
  route({
    id: 'newestReports',
    method: 'POST',
    url: '/api/v1/inventory/newest-reports',
    summary:
      'The newest report of all computers or some, in order of their ids; go on after the last id until none comes.',
    tag: 'computers',
    access: viewers,
    body: exactly({
      ids: Type.Optional(list(Line(64), MAX_NAMES)),
      after: Type.Optional(Type.String({ maxLength: 64 })),
    }),
    bodyLimit: LARGE,
    answer: Rows,
    async handle({ body }, { depot }) {
      const rows: KeptReport[] = [];
      for await (const report of depot.store.computers.newestReports(body.ids, body.after)) {
        rows.push(report);
        if (rows.length === REPORTS_AT_ONCE) break;
      }
      return { rows };
    },
  }),
  route({
    id: 'installed',
    method: 'POST',
    url: '/api/v1/inventory/installed',
    summary: 'What is installed on all computers.',
    tag: 'computers',
    access: viewers,
    body: InstalledFilter,
    bodyLimit: LARGE,
    answer: Rows,
    handle: async ({ body }, { depot }) => ({ rows: await depot.store.computers.installed(limited(body)) }),
  }),
  route({
    id: 'queued',
    method: 'POST',
    url: '/api/v1/inventory/queued',
    summary: 'What waits for a restart on all computers.',
    tag: 'computers',
    access: viewers,
    body: QueuedFilter,
    bodyLimit: LARGE,
    answer: Rows,
    handle: async ({ body }, { depot }) => ({ rows: await depot.store.computers.queued(limited(body)) }),
  }),
  route({
    id: 'problems',
    method: 'POST',
    url: '/api/v1/inventory/problems',
    summary: 'What failed or is held up on all computers.',
    tag: 'computers',
    access: viewers,
    body: exactly(filterProperties),
    bodyLimit: LARGE,
    answer: Rows,
    handle: async ({ body }, { depot }) => ({ rows: await depot.store.computers.problems(limited(body)) }),
  }),
  route({
    id: 'namesInstalled',
    method: 'GET',
    url: '/api/v1/inventory/names',
    summary: 'Every basename with every edition of it that some computer has.',
    tag: 'computers',
    access: viewers,
    answer: Rows,
    handle: async (_asked, { depot }) => ({ rows: await depot.store.computers.namesInstalled() }),
  }),
  route({
    id: 'installedNames',
    method: 'POST',
    url: '/api/v1/inventory/installed-names',
    summary: 'What these computers have, everything or some basenames.',
    tag: 'computers',
    access: viewers,
    body: exactly({
      ids: list(Line(64), REPORTS_AT_ONCE),
      basenames: Type.Optional(list(Line(60), MAX_NAMES)),
    }),
    bodyLimit: LARGE,
    answer: Rows,
    async handle({ body }, { depot }) {
      const rows: object[] = [];
      for await (const row of depot.store.computers.installedNames(body)) rows.push(row);
      return { rows };
    },
  }),
  route({
    id: 'isReported',
    method: 'GET',
    url: '/api/v1/inventory/basenames/:basename',
    summary: 'Whether any computer has a basename, or has it queued.',
    tag: 'computers',
    access: viewers,
    params: exactly({ basename: Line(60) }),
    answer: answer({ isReported: Type.Boolean() }),
    handle: async ({ params }, { depot }) => ({ isReported: await depot.store.computers.isReported(params.basename) }),
  }),
];

function limited<Filter extends { limit: number }>(filter: Filter): Filter {
  return { ...filter, limit: Math.min(filter.limit, MOST_ROWS) };
}

async function computerMeant(idOrName: string, { depot }: ServerParts): Promise<Computer> {
  const found = await depot.store.computers.find(idOrName);
  if (found !== null) return found;
  throw new D3Error('COMPUTER_NOT_FOUND', 'notFound', `The depot has no computer ${idOrName}.`, { target: idOrName });
}
