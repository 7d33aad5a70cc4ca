import { D3Error } from '@d3/sdk';
import { Type } from 'typebox';
import { documentKind, documentKinds } from '../../document-kinds.ts';
import type { DocumentBody, Documents } from '../../store/contract.ts';
import { type Caller, requireRank } from '../callers.ts';
import { type Route, route, type ServerParts } from '../route.ts';
import { answer, exactly, HistoryAnswer, Sha256, StoredDocumentAnswer } from '../schemas.ts';

const Kind = Type.String({ pattern: '^[a-z][a-z0-9-]*$', maxLength: 64, description: 'group, script, policy, …' });
const Id = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });
const ofKind = exactly({ kind: Kind });
const one = exactly({ kind: Kind, id: Id });
const Generation = Type.Integer({ minimum: 1, description: 'The one that was seen; another one now is a conflict.' });
/** Checked by the store, which says what is wrong with it. */
const Name = Type.String({ maxLength: 1000 });
const Body = Type.Unsafe<DocumentBody>({
  type: 'object',
  required: ['schema'],
  properties: { schema: { type: 'string', maxLength: 100 } },
  additionalProperties: true,
  description: 'As the schema of its kind wants it.',
});
/** A static group of a million computers. */
const LARGE = 64 * 1024 * 1024;

/** Documents of every kind: groups, scripts, policies, places, extension attributes, what is said of computers, mirrors. */
export const documentRoutes: readonly Route[] = [
  route({
    id: 'listDocuments',
    method: 'GET',
    url: '/api/v1/documents/:kind',
    summary: 'Documents of a kind, or the one of a name.',
    tag: 'catalog',
    access: { for: 'people', least: 'viewer' },
    params: ofKind,
    query: exactly({ name: Type.Optional(Name) }),
    answer: answer({ documents: Type.Array(StoredDocumentAnswer) }),
    async handle({ params, query }, server) {
      const documents = documentsOf(params.kind, server);
      if (query.name === undefined) return { documents: await documents.list() };
      const found = await documents.byName(query.name);
      return { documents: found === null ? [] : [found] };
    },
  }),
  route({
    id: 'getDocument',
    method: 'GET',
    url: '/api/v1/documents/:kind/:id',
    summary: 'One document.',
    tag: 'catalog',
    access: { for: 'people', least: 'viewer' },
    params: one,
    answer: StoredDocumentAnswer,
    async handle({ params }, server) {
      const found = await documentsOf(params.kind, server).get(params.id);
      if (found !== null) return found;
      throw new D3Error('DOCUMENT_NOT_FOUND', 'notFound', `The depot has no ${params.kind} with id ${params.id}.`, {
        target: String(params.id),
      });
    },
  }),
  route({
    id: 'addDocument',
    method: 'POST',
    url: '/api/v1/documents/:kind',
    summary: 'Make a document.',
    tag: 'catalog',
    access: { for: 'people', least: 'packager' },
    params: ofKind,
    body: exactly({ name: Name, body: Body }),
    bodyLimit: LARGE,
    answer: StoredDocumentAnswer,
    changes: true,
    handle: ({ params, body, by, caller }, server) =>
      writable(params.kind, caller, server).create(body.name, body.body, by),
  }),
  route({
    id: 'changeDocument',
    method: 'PATCH',
    url: '/api/v1/documents/:kind/:id',
    summary: 'Change a document from the generation that was seen.',
    tag: 'catalog',
    access: { for: 'people', least: 'packager' },
    params: one,
    body: exactly({ generation: Generation, name: Type.Optional(Name), body: Type.Optional(Body) }),
    bodyLimit: LARGE,
    answer: StoredDocumentAnswer,
    changes: true,
    handle: ({ params, body: { generation, ...changes }, by, caller }, server) =>
      writable(params.kind, caller, server).update(params.id, generation, changes, by),
  }),
  route({
    id: 'removeDocument',
    method: 'DELETE',
    url: '/api/v1/documents/:kind/:id',
    summary: 'Remove a document that is still of the generation that was seen.',
    tag: 'catalog',
    access: { for: 'people', least: 'packager' },
    params: one,
    query: exactly({ generation: Generation }),
    changes: true,
    handle: ({ params, query, by, caller }, server) =>
      writable(params.kind, caller, server).remove(params.id, query.generation, by),
  }),
  route({
    id: 'historyOfDocument',
    method: 'GET',
    url: '/api/v1/documents/:kind/:id/history',
    summary: 'What was done to a document, oldest first.',
    tag: 'catalog',
    access: { for: 'people', least: 'viewer' },
    params: one,
    answer: HistoryAnswer,
    handle: async ({ params }, server) => ({ events: await documentsOf(params.kind, server).history(params.id) }),
  }),
  route({
    id: 'hashesInDocuments',
    method: 'GET',
    url: '/api/v1/document-hashes',
    summary: 'Every SHA-256 that a document of any kind names.',
    tag: 'catalog',
    access: { for: 'people', least: 'viewer' },
    answer: answer({ hashes: Type.Array(Sha256) }),
    handle: async (_asked, { depot }) => ({ hashes: [...(await depot.store.documentHashes())].toSorted() }),
  }),
];

function documentsOf(kind: string, { depot }: ServerParts): Documents<DocumentBody> {
  if (documentKinds().includes(kind)) return depot.store.documents(kind);
  throw new D3Error('KIND_NOT_FOUND', 'notFound', `There are no documents of the kind ${kind}.`, {
    target: kind,
    actions: [`there are ${documentKinds().join(', ')}`],
  });
}

function writable(kind: string, caller: Caller, server: ServerParts): Documents<DocumentBody> {
  const documents = documentsOf(kind, server);
  requireRank(caller, documentKind(kind).writers, `Changing a ${kind}`);
  return documents;
}
