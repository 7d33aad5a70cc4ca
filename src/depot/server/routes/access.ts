import { Type } from 'typebox';
import { COMPUTER_ID } from '../../report-path.ts';
import { type Route, route } from '../route.ts';
import {
  answer,
  byId,
  CodeAnswer,
  EnrolmentAnswer,
  exactly,
  Line,
  oneOf,
  orNull,
  RoleWord,
  Time,
  TokenAnswer,
  timeIn,
} from '../schemas.ts';

const admins = { for: 'people', least: 'admin' } as const;
const ComputerId = Type.String({ pattern: COMPUTER_ID.source });
const Text = Type.String({ maxLength: 1000 });

/** Who may ask: sessions, tokens, enrolment. */
export const accessRoutes: readonly Route[] = [
  route({
    id: 'whoAmI',
    method: 'GET',
    url: '/api/v1/session',
    summary: 'Who the token is of, and what its role is.',
    tag: 'access',
    access: { for: 'people', least: 'viewer' },
    answer: answer({ name: Type.String(), role: RoleWord, version: Type.String() }),
    async handle({ by, caller }, { version }) {
      return { name: by, role: caller?.role as 'viewer', version };
    },
  }),
  route({
    id: 'listTokens',
    method: 'GET',
    url: '/api/v1/tokens',
    summary: 'Tokens of people, revoked ones too; never their secrets.',
    tag: 'access',
    access: admins,
    answer: answer({ tokens: Type.Array(TokenAnswer) }),
    handle: async (_asked, { depot }) => ({ tokens: await depot.store.tokens.list() }),
  }),
  route({
    id: 'addToken',
    method: 'POST',
    url: '/api/v1/tokens',
    summary: 'Make a token. Its secret is in this answer and nowhere else.',
    tag: 'access',
    access: admins,
    body: exactly({ name: Text, role: RoleWord, computer: orNull(ComputerId), expiresAt: orNull(Time) }),
    answer: answer({ token: TokenAnswer, secret: Type.String() }),
    async handle({ body, by }, { depot }) {
      const expiresAt = body.expiresAt === null ? null : timeIn(body.expiresAt, 'expiresAt');
      return depot.store.tokens.add({ ...body, expiresAt }, by);
    },
  }),
  route({
    id: 'revokeToken',
    method: 'DELETE',
    url: '/api/v1/tokens/:name',
    summary: 'Revoke a token: it opens nothing from now on.',
    tag: 'access',
    access: admins,
    params: exactly({ name: Line(255) }),
    answer: TokenAnswer,
    handle: ({ params, by }, { depot }) => depot.store.tokens.revoke(params.name, by),
  }),
  route({
    id: 'listCodes',
    method: 'GET',
    url: '/api/v1/enrolment-codes',
    summary: 'Codes to enrol machines with; never the codes themselves.',
    tag: 'access',
    access: admins,
    answer: answer({ codes: Type.Array(CodeAnswer) }),
    handle: async (_asked, { depot }) => ({ codes: await depot.store.enrolments.codes() }),
  }),
  route({
    id: 'addCode',
    method: 'POST',
    url: '/api/v1/enrolment-codes',
    summary: 'Make a code to enrol machines with. It is in this answer and nowhere else.',
    tag: 'access',
    access: admins,
    body: exactly({ kind: oneOf(['once', 'site']), note: Text, expiresAt: Time }),
    answer: answer({ code: CodeAnswer, secret: Type.String() }),
    handle: async ({ body, by }, { depot }) =>
      depot.store.enrolments.addCode({ ...body, expiresAt: timeIn(body.expiresAt, 'expiresAt') }, by),
  }),
  route({
    id: 'revokeCode',
    method: 'DELETE',
    url: '/api/v1/enrolment-codes/:id',
    summary: 'Revoke a code; machines that came with it stay enrolled.',
    tag: 'access',
    access: admins,
    params: byId,
    answer: CodeAnswer,
    handle: ({ params, by }, { depot }) => depot.store.enrolments.revokeCode(params.id, by),
  }),
  route({
    id: 'listEnrolments',
    method: 'GET',
    url: '/api/v1/enrolments',
    summary: 'Machines that asked to be enrolled.',
    tag: 'access',
    access: admins,
    answer: answer({ enrolments: Type.Array(EnrolmentAnswer) }),
    handle: async (_asked, { depot }) => ({ enrolments: await depot.store.enrolments.list() }),
  }),
  route({
    id: 'approveEnrolment',
    method: 'POST',
    url: '/api/v1/enrolments/:id/approve',
    summary: 'Let a machine in that waits; the key the computer had before is revoked.',
    tag: 'access',
    access: admins,
    params: byId,
    body: exactly({ computer: orNull(ComputerId) }),
    answer: EnrolmentAnswer,
    handle: ({ params, body, by }, { depot }) => depot.store.enrolments.approve(params.id, body.computer, by),
  }),
  route({
    id: 'refuseEnrolment',
    method: 'POST',
    url: '/api/v1/enrolments/:id/refuse',
    summary: 'Refuse a machine that waits.',
    tag: 'access',
    access: admins,
    params: byId,
    answer: EnrolmentAnswer,
    handle: ({ params, by }, { depot }) => depot.store.enrolments.refuse(params.id, by),
  }),
];
