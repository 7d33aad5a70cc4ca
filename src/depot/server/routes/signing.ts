import { Type } from 'typebox';
import type { KeysView } from '../../signing.ts';
import { type Route, route } from '../route.ts';
import { Anything, answer, exactly, list, oneOf, orNull, Sha256 } from '../schemas.ts';

const DRAFT_ROLES = ['root', 'targets'] as const;
/** Signatures in one request: no role has more keys. */
const MOST = 100;
const KeysAnswer = Type.Unsafe<KeysView>(
  answer({ root: Type.Integer(), roles: Type.Array(Anything), waiting: Type.Array(Anything) }),
);

/** What waits for the signatures of people who keep their keys to themselves. */
export const signingRoutes: readonly Route[] = [
  route({
    id: 'getKeys',
    method: 'GET',
    url: '/api/v1/signing/keys',
    summary: 'Whose keys sign what, and what waits for signatures.',
    tag: 'depot',
    access: { for: 'people', least: 'viewer' },
    answer: KeysAnswer,
    async handle(_asked, { depot }) {
      const { root, roles, waiting } = await depot.signing.keys();
      // Where somebody keeps a key is not everybody's to know.
      const open = roles.map(({ keys, ...role }) => ({ ...role, keys: keys.map((key) => ({ ...key, where: null })) }));
      return { root, roles: open, waiting };
    },
  }),
  route({
    id: 'getDrafts',
    method: 'GET',
    url: '/api/v1/signing/drafts',
    summary: 'What waits, as it is to be signed, with the bytes of the catalog it names in Base64.',
    tag: 'depot',
    access: { for: 'people', least: 'releaser' },
    answer: answer({
      drafts: Type.Array(answer({ role: oneOf(DRAFT_ROLES), metadata: Anything, catalog: orNull(Type.String()) })),
    }),
    async handle(_asked, { depot }) {
      const drafts = await depot.signing.drafts();
      return { drafts: drafts.map((draft) => ({ ...draft, catalog: draft.catalog?.toString('base64') ?? null })) };
    },
  }),
  route({
    id: 'addSignatures',
    method: 'POST',
    url: '/api/v1/signing/signatures',
    summary: 'Put signatures to what waits; with the last that is needed, machines are shown it.',
    tag: 'depot',
    access: { for: 'people', least: 'releaser' },
    body: exactly({
      role: oneOf(DRAFT_ROLES),
      signatures: list(exactly({ keyid: Sha256, sig: Type.String({ pattern: '^[0-9a-f]{128}$' }) }), MOST),
    }),
    answer: answer({ taken: Type.Integer({ minimum: 0 }), published: orNull(Anything) }),
    async handle({ body: { role, signatures }, by }, { depot }) {
      const keys = await depot.signing.take(role, signatures);
      const taken = keys.length;
      if (taken === 0) return { taken, published: null };
      const target = { kind: 'keys', id: 0, name: role };
      await depot.store.history.add({ by, what: 'keys.signed', target, before: null, after: { keys } });
      // A new root changes nothing in the store: it is brought into force all the same.
      const published = await depot.publish();
      if (published !== null) return { taken, published };
      // What the depot publishes by itself may have brought it into force a moment earlier.
      const waits = (await depot.signing.waiting()).some((draft) => draft.role === role);
      return { taken, published: waits ? null : await depot.store.publication.last() };
    },
  }),
];
