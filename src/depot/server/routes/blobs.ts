import { Readable } from 'node:stream';
import { D3Error } from '@d3/sdk';
import { Type } from 'typebox';
import { type Route, route, type ServerParts } from '../route.ts';
import { answer, bySha256, exactly, list, Sha256 } from '../schemas.ts';
import { received, takeUpload } from '../uploads.ts';

const Bytes = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const viewers = { for: 'people', least: 'viewer' } as const;
const packagers = { for: 'people', least: 'packager' } as const;
const admins = { for: 'people', least: 'admin' } as const;
/** Blobs looked at in one request: nobody else changes anything meanwhile. No edition and no policy has more. */
const MOST_CANDIDATES = 1_000;
const Unfinished = Type.String({ pattern: '^\\.tmp-[A-Za-z0-9._-]{1,200}$' });

/** Package files and scripts, by their hashes. What is read of them, machines read as well: `/blobs/…`. */
export const blobRoutes: readonly Route[] = [
  route({
    id: 'listBlobs',
    method: 'GET',
    url: '/api/v1/blobs',
    summary: 'The hashes of all blobs.',
    tag: 'files',
    access: viewers,
    answer: answer({ blobs: Type.Array(Sha256) }),
    handle: async (_asked, { depot }) => ({ blobs: [...(await depot.blobs.list())].toSorted() }),
  }),
  route({
    id: 'getBlob',
    method: 'GET',
    url: '/api/v1/blobs/:sha256',
    summary: 'Whether a blob is there, and since when.',
    tag: 'files',
    access: viewers,
    params: bySha256,
    answer: answer({ isThere: Type.Boolean(), changedAt: Type.Union([Type.Number(), Type.Null()]) }),
    async handle({ params }, { depot }) {
      if (!(await depot.blobs.has(params.sha256))) return { isThere: false, changedAt: null };
      return { isThere: true, changedAt: await depot.blobs.changedAt(params.sha256) };
    },
  }),
  route({
    id: 'verifyBlob',
    method: 'POST',
    url: '/api/v1/blobs/:sha256/verify',
    summary: 'Whether every byte of a blob is still what was stored.',
    tag: 'files',
    access: packagers,
    params: bySha256,
    answer: answer({ isWhole: Type.Boolean() }),
    handle: async ({ params }, server) => ({ isWhole: await isWhole(params.sha256, server) }),
  }),
  route({
    id: 'setBlobAside',
    method: 'POST',
    url: '/api/v1/blobs/:sha256/set-aside',
    summary: 'Move a blob whose bytes are wrong where no machine finds it; one that is whole stays.',
    tag: 'files',
    access: admins,
    params: bySha256,
    changes: true,
    async handle({ params: { sha256 } }, server) {
      if (await isWhole(sha256, server))
        throw new D3Error('BLOB_WHOLE', 'refused', `${sha256} is what was stored: it stays.`, { target: sha256 });
      await server.depot.blobs.setAside(sha256);
    },
  }),
  route({
    id: 'removeUnused',
    method: 'POST',
    url: '/api/v1/blobs/remove-unused',
    summary: 'Remove those of these blobs that nothing names any more.',
    tag: 'files',
    access: packagers,
    body: exactly({ candidates: list(Sha256, MOST_CANDIDATES) }),
    answer: answer({ removed: Type.Array(Sha256) }),
    handle: async ({ body }, { depot }) => ({ removed: await depot.removeUnused(body.candidates) }),
  }),
  route({
    id: 'listUnfinished',
    method: 'GET',
    url: '/api/v1/unfinished-blobs',
    summary: 'What interrupted writers left.',
    tag: 'files',
    access: viewers,
    answer: answer({ unfinished: Type.Array(answer({ name: Type.String(), changedAt: Type.Number() })) }),
    handle: async (_asked, { depot }) => ({ unfinished: await depot.blobs.unfinished() }),
  }),
  route({
    id: 'removeUnfinished',
    method: 'DELETE',
    url: '/api/v1/unfinished-blobs/:name',
    summary: 'Remove what an interrupted writer left.',
    tag: 'files',
    access: admins,
    params: exactly({ name: Unfinished }),
    handle: ({ params }, { depot }) => depot.blobs.removeUnfinished(params.name),
  }),
  route({
    id: 'getUpload',
    method: 'GET',
    url: '/api/v1/uploads/:sha256',
    summary: 'How much of a blob came with this token so far: where to go on.',
    tag: 'files',
    access: packagers,
    params: bySha256,
    answer: answer({ received: Bytes, isThere: Type.Boolean() }),
    async handle({ params: { sha256 }, caller }, { depot }) {
      const isThere = await depot.blobs.has(sha256);
      return { received: await received(depot.dir, sha256, caller?.id ?? 0), isThere };
    },
  }),
  route({
    id: 'upload',
    method: 'PUT',
    url: '/api/v1/uploads/:sha256',
    summary: 'Bytes of a blob from an offset on. With its last byte it appears, if its hash is right.',
    tag: 'files',
    access: packagers,
    params: bySha256,
    query: exactly({ offset: Bytes, size: Bytes }),
    body: Type.Unsafe<Readable>({ type: 'string', format: 'binary' }),
    streams: true,
    answer: answer({ received: Bytes, isThere: Type.Boolean() }),
    changes: true,
    async handle({ params: { sha256 }, query, body, caller, request }, { depot, maxUpload }) {
      if (query.size > maxUpload) {
        throw new D3Error('TOO_LARGE', 'usage', `A package may have ${maxUpload} bytes at most here.`, {
          target: sha256,
          actions: ['whoever runs the server can allow more: d3 depot serve --max-upload'],
        });
      }
      // Nothing at all comes without a type, and is no stream then.
      const bytes = body ?? Readable.from([]);
      return takeUpload(depot, { sha256, ...query, owner: caller?.id ?? 0, bytes, socket: request.raw.socket });
    },
  }),
];

async function isWhole(sha256: string, { depot }: ServerParts): Promise<boolean> {
  const found = await depot.blobs.isWhole(sha256);
  if (found !== null) return found;
  throw new D3Error('BLOB_NOT_FOUND', 'notFound', `The depot has no file ${sha256}.`, { target: sha256 });
}
