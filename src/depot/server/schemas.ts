import { D3Error } from '@d3/sdk';
import { type TProperties, type TSchema, Type } from 'typebox';
import type { Status, StoredStatus } from '../../catalog/types.ts';
import type { Report } from '../contract.ts';
import { RUN_ID } from '../report-path.ts';
import { ROLES } from '../roles.ts';
import { newEditionSchema, reportSchema, SHA256_PATTERN } from '../schemas.ts';
import type {
  Computer,
  DocumentBody,
  EditionChanges,
  Enrolment,
  EnrolmentCode,
  HistoryEvent,
  NewEdition,
  PublicationRecord,
  StoredDocument,
  StoredEdition,
  Token,
} from '../store/contract.ts';

/** What routes ask for and answer with. What validates is what OpenAPI shows. */

export const Time = Type.String({ description: 'ISO 8601, UTC.', maxLength: 40 });
/** Times are compared as text: all in one form. @throws D3Error usage when it is none */
export function timeIn(said: string, target: string): string {
  const time = new Date(said);
  if (!Number.isNaN(time.getTime())) return time.toISOString();
  throw new D3Error('REQUEST_INVALID', 'usage', `${JSON.stringify(said)} is no time.`, {
    target,
    actions: ['write it as 2030-12-31T00:00:00Z'],
  });
}
const Id = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });
export const Sha256 = Type.String({ pattern: SHA256_PATTERN });
export const Line = (maxLength: number) =>
  Type.String({ minLength: 1, maxLength, pattern: '^[^\\u0000-\\u001f\\u007f]*$' });
export const orNull = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
export const oneOf = <const V extends readonly string[]>(values: V) =>
  Type.Unsafe<V[number]>({ type: 'string', enum: [...values] });
/** All of these properties and no others. */
export const exactly = <P extends TProperties>(properties: P) =>
  Type.Object(properties, { additionalProperties: false });
/** An answer: what a newer d3 adds is let through. */
export const answer = <P extends TProperties>(properties: P) => Type.Object(properties);
export const list = <T extends TSchema>(items: T, maxItems: number) => Type.Array(items, { maxItems });

export const byId = exactly({ id: Id });
export const bySha256 = exactly({ sha256: Sha256 });
export const byRun = exactly({ id: Type.String({ pattern: RUN_ID.source }) });
export const byComputer = exactly({ computer: Line(255) });

/** Parts of what people see that are checked where they are made. */
export const Anything = Type.Unknown();
const Json = Type.Unsafe<Record<string, unknown>>({ type: 'object', additionalProperties: true });

export const NewEditionBody = Type.Unsafe<NewEdition>(newEditionSchema);
const { basename: _fixed, ...changeable } = newEditionSchema.properties as Record<string, object>;
export const EditionChangesBody = Type.Unsafe<EditionChanges>({
  type: 'object',
  properties: changeable,
  additionalProperties: false,
});
export const ReportBody = Type.Unsafe<Report>(reportSchema);

const STORED_STATUSES = ['pilot', 'live', 'deprecated', 'skipped'] as const satisfies StoredStatus[];
export const StoredStatusWord = oneOf(STORED_STATUSES);
export const StatusWord = oneOf([...STORED_STATUSES, 'missing', 'archived'] as const satisfies Status[]);
export const RoleWord = oneOf(ROLES);

const Claims = answer({
  serial: orNull(Type.String()),
  hardwareUuid: orNull(Type.String()),
  macs: Type.Array(Type.String()),
});

export const EditionAnswer = Type.Unsafe<StoredEdition>(
  Type.Intersect([
    Json,
    answer({
      id: Id,
      basename: Type.String(),
      version: Type.String(),
      revision: Type.Integer(),
      edition: Type.String(),
      status: StoredStatusWord,
      addedAt: Time,
      addedBy: Type.String(),
      releasedAt: orNull(Time),
      releasedBy: orNull(Type.String()),
    }),
  ]),
);

export const StoredDocumentAnswer = Type.Unsafe<StoredDocument<DocumentBody>>(
  answer({
    kind: Type.String(),
    id: Id,
    name: Type.String(),
    generation: Type.Integer({ minimum: 1 }),
    body: Json,
    changedAt: Time,
    changedBy: Type.String(),
  }),
);

export const HistoryAnswer = Type.Unsafe<{ events: HistoryEvent[] }>(
  answer({
    events: Type.Array(
      answer({
        id: Id,
        at: Time,
        by: Type.String(),
        what: Type.String(),
        target: answer({ kind: Type.String(), id: Type.Integer(), name: Type.String() }),
        before: Anything,
        after: Anything,
        prev: Type.String(),
        hash: Type.String(),
      }),
    ),
  }),
);

export const ComputerAnswer = Type.Unsafe<Computer>(
  answer({
    id: Type.String(),
    name: Type.String(),
    claims: Claims,
    os: answer({ name: Type.String(), version: Type.String() }),
    cpu: Type.String(),
    user: orNull(Type.String()),
    d3: Type.String(),
    firstContact: Time,
    lastContact: Time,
    lastRun: Type.String(),
  }),
);

export const Rows = Type.Unsafe<{ rows: readonly object[] }>(answer({ rows: Type.Array(Json) }));

export const PublicationAnswer = Type.Unsafe<{ generation: number; last: PublicationRecord | null }>(
  answer({ generation: Type.Integer(), last: orNull(Json) }),
);

export const TokenAnswer = Type.Unsafe<Token>(
  answer({
    id: Id,
    name: Type.String(),
    role: RoleWord,
    computer: orNull(Type.String()),
    createdAt: Time,
    createdBy: Type.String(),
    expiresAt: orNull(Time),
    revokedAt: orNull(Time),
    revokedBy: orNull(Type.String()),
    lastUsedAt: orNull(Time),
  }),
);

export const CodeAnswer = Type.Unsafe<EnrolmentCode>(
  answer({
    id: Id,
    kind: oneOf(['once', 'site']),
    note: Type.String(),
    createdAt: Time,
    createdBy: Type.String(),
    expiresAt: Time,
    revokedAt: orNull(Time),
    uses: Type.Integer(),
    lastUsedAt: orNull(Time),
  }),
);

export const EnrolmentAnswer = Type.Unsafe<Enrolment>(
  answer({
    id: Id,
    code: Id,
    state: oneOf(['pending', 'enrolled', 'refused']),
    computer: answer({ id: Type.String(), name: Type.String(), claims: Claims }),
    knownAs: Type.Array(Type.String()),
    became: orNull(Type.String()),
    at: Time,
    decidedAt: orNull(Time),
    decidedBy: orNull(Type.String()),
  }),
);
