import { D3Error } from '@d3/sdk';
import { Type } from 'typebox';
import type { StoredEdition } from '../../store/contract.ts';
import { type Caller, requireRank } from '../callers.ts';
import { type Route, route, type ServerParts } from '../route.ts';
import {
  answer,
  byId,
  EditionAnswer,
  EditionChangesBody,
  exactly,
  Line,
  list,
  NewEditionBody,
  orNull,
  Sha256,
  StoredStatusWord,
} from '../schemas.ts';

const MAX_IDS = 100_000;
/** As it was typed: what can be none is found nowhere. */
const Asked = Type.String({ maxLength: 1000 });

/** Editions by their statuses, and what becomes of them. */
export const editionRoutes: readonly Route[] = [
  route({
    id: 'listEditions',
    method: 'GET',
    url: '/api/v1/editions',
    summary: 'All editions in order of their ids; those whose file is gone are in `missing`.',
    tag: 'catalog',
    access: { for: 'people', least: 'viewer' },
    query: exactly({ edition: Type.Optional(Line(255)) }),
    answer: answer({ editions: Type.Array(EditionAnswer), missing: Type.Array(Type.Integer()) }),
    async handle({ query }, { depot }) {
      const { editions } = depot.store;
      if (query.edition !== undefined) {
        const found = await editions.byEdition(query.edition);
        if (found === null) return { editions: [], missing: [] };
        return { editions: [found], missing: (await depot.blobs.has(found.file.sha256)) ? [] : [found.id] };
      }
      const [all, present] = [await editions.list(), await depot.blobs.list()];
      return { editions: all, missing: all.flatMap(({ id, file }) => (present.has(file.sha256) ? [] : [id])) };
    },
  }),
  route({
    id: 'getEdition',
    method: 'GET',
    url: '/api/v1/editions/:id',
    summary: 'One edition.',
    tag: 'catalog',
    access: { for: 'people', least: 'viewer' },
    params: byId,
    answer: EditionAnswer,
    handle: ({ params }, server) => editionMeant(params.id, server),
  }),
  route({
    id: 'addEdition',
    method: 'POST',
    url: '/api/v1/editions',
    summary: 'Add a pilot. Its file, list of contents and scripts must be in the depot.',
    tag: 'catalog',
    access: { for: 'people', least: 'packager' },
    body: NewEditionBody,
    invalid: 'EDITION_INVALID',
    answer: EditionAnswer,
    changes: true,
    handle: ({ body, by }, { depot }) => depot.addEdition(body, by),
  }),
  route({
    id: 'changeEdition',
    method: 'PATCH',
    url: '/api/v1/editions/:id',
    summary: 'Change an edition; machines have to be shown a live one anew, so that needs a releaser.',
    tag: 'catalog',
    access: { for: 'people', least: 'packager' },
    params: byId,
    body: EditionChangesBody,
    invalid: 'EDITION_INVALID',
    answer: EditionAnswer,
    changes: true,
    async handle({ params, body, by, caller }, server) {
      const { status } = requireRankFor(await editionMeant(params.id, server), caller);
      // Made live meanwhile, it is what a releaser saw.
      const unless = status === 'live' ? undefined : 'live';
      return server.depot.store.editions.update(params.id, body, by, unless);
    },
  }),
  route({
    id: 'makeLive',
    method: 'POST',
    url: '/api/v1/editions/:id/live',
    summary: 'Make an edition live, if its basename is still as it was seen.',
    tag: 'catalog',
    access: { for: 'people', least: 'releaser' },
    params: byId,
    body: exactly({ liveId: orNull(Type.Integer({ minimum: 1 })), newestId: Type.Integer({ minimum: 1 }) }),
    answer: answer({
      changes: Type.Array(answer({ id: Type.Integer(), from: StoredStatusWord, to: StoredStatusWord })),
    }),
    changes: true,
    async handle({ params, body, by }, { depot }) {
      return { changes: await depot.store.editions.makeLive(params.id, by, body) };
    },
  }),
  route({
    id: 'takeFromLive',
    method: 'POST',
    url: '/api/v1/editions/:id/unlive',
    summary: 'Make a live edition deprecated: its basename has no live one then.',
    tag: 'catalog',
    access: { for: 'people', least: 'releaser' },
    params: byId,
    answer: EditionAnswer,
    changes: true,
    handle: ({ params, by }, { depot }) => depot.store.editions.unlive(params.id, by),
  }),
  route({
    id: 'deleteEdition',
    method: 'DELETE',
    url: '/api/v1/editions/:id',
    summary: 'Take an edition out of the catalog; one that is live needs a releaser.',
    tag: 'catalog',
    access: { for: 'people', least: 'packager' },
    params: byId,
    query: exactly({
      archive: Type.Boolean(),
      keepFile: Type.Optional(Type.Boolean()),
      expected: Type.Optional(StoredStatusWord),
    }),
    answer: EditionAnswer,
    changes: true,
    async handle({ params, query, by, caller }, server) {
      const edition = await editionMeant(params.id, server);
      requireRankFor(edition, caller);
      const expected = query.expected ?? edition.status;
      // Made live meanwhile, it is still deleted by a releaser only.
      if (expected === 'live') requireRankFor({ ...edition, status: expected }, caller);
      return server.depot.store.editions.delete(params.id, by, { ...query, expected });
    },
  }),
  route({
    id: 'listArchivedEditions',
    method: 'GET',
    url: '/api/v1/archived-editions',
    summary: 'Deleted editions that were archived.',
    tag: 'catalog',
    access: { for: 'people', least: 'viewer' },
    answer: answer({ editions: Type.Array(EditionAnswer) }),
    handle: async (_asked, { depot }) => ({ editions: await depot.store.editions.archived() }),
  }),
  route({
    id: 'restoreEdition',
    method: 'POST',
    url: '/api/v1/archived-editions/:id/restore',
    summary: 'Bring an archived edition back under its id, never live.',
    tag: 'catalog',
    access: { for: 'people', least: 'packager' },
    params: byId,
    answer: EditionAnswer,
    changes: true,
    handle: ({ params, by }, { depot }) => depot.store.editions.restore(params.id, by),
  }),
  route({
    id: 'filesOfEditions',
    method: 'POST',
    url: '/api/v1/editions/files',
    summary: 'The hash of the file of each of these editions.',
    tag: 'catalog',
    access: { for: 'people', least: 'viewer' },
    body: exactly({ ids: list(Type.Integer({ minimum: 1 }), MAX_IDS) }),
    answer: answer({ files: Type.Array(answer({ id: Type.Integer(), sha256: Sha256 })) }),
    handle: async ({ body }, { depot }) => ({ files: await depot.store.editions.files(body.ids) }),
  }),
  route({
    id: 'getBasename',
    method: 'GET',
    url: '/api/v1/basenames/:basename',
    summary: 'How a basename is written, deleted editions included; null when there is none.',
    tag: 'catalog',
    access: { for: 'people', least: 'viewer' },
    params: exactly({ basename: Asked }),
    answer: answer({ basename: orNull(Type.String()) }),
    handle: async ({ params }, { depot }) => ({ basename: await depot.store.editions.basename(params.basename) }),
  }),
  route({
    id: 'getHighestRevision',
    method: 'GET',
    url: '/api/v1/basenames/:basename/versions/:version',
    summary: 'The highest revision a basename and version ever had; null when there was none.',
    tag: 'catalog',
    access: { for: 'people', least: 'viewer' },
    params: exactly({
      basename: Asked,
      version: Asked,
    }),
    answer: answer({ highestRevision: orNull(Type.Integer()) }),
    async handle({ params: { basename, version } }, { depot }) {
      return { highestRevision: await depot.store.editions.highestRevision(basename, version) };
    },
  }),
];

async function editionMeant(id: number, { depot }: ServerParts): Promise<StoredEdition> {
  const edition = await depot.store.editions.byId(id);
  if (edition !== null) return edition;
  throw new D3Error('EDITION_NOT_FOUND', 'notFound', `The depot has no edition with id ${id}.`, {
    target: String(id),
    actions: ['d3admin show all'],
  });
}

/** What a change of a live edition does, machines do at their next sync. */
function requireRankFor(meant: StoredEdition, caller: Caller): StoredEdition {
  const { edition, status } = meant;
  if (status === 'live') requireRank(caller, 'releaser', `${edition} is live: that`);
  return meant;
}
