import { D3Error, EXIT_CODES, type ExitName } from '@d3/sdk';
import { type Static, Type } from 'typebox';

/** How errors cross the wire: one shape for all of them, the envelope's, with the exit code a command ends with. */

export const errorSchema = Type.Object(
  {
    code: Type.String({ description: 'Stable; rely on it, not on the words of the message.' }),
    exit: Type.String({ description: 'How a command ends by it, e.g. refused, notFound.' }),
    message: Type.String(),
    target: Type.Union([Type.String(), Type.Null()]),
    actions: Type.Array(Type.String(), { description: 'What to do next.' }),
  },
  { additionalProperties: false, description: 'An error, always of this shape.' },
);
export type ErrorBody = Static<typeof errorSchema>;

/** The status an error is answered with. */
const STATUS: Partial<Record<ExitName, number>> = {
  usage: 400,
  notAuthorised: 403,
  notFound: 404,
  refused: 409,
  verificationFailed: 422,
  busy: 503,
  depotUnreachable: 502,
};
/** Those whose status says more than their exit. */
const STATUS_OF_CODE: Readonly<Record<string, number>> = {
  UNAUTHENTICATED: 401,
  TOO_SLOW: 408,
  TOO_LARGE: 413,
  CONTENT_TYPE: 415,
  RANGE: 416,
  TOO_MANY: 429,
  DATABASE_UNREACHABLE: 503,
  NO_SPACE: 507,
};

export function statusOf(error: D3Error): number {
  return STATUS_OF_CODE[error.code] ?? STATUS[error.exit] ?? 500;
}

export function errorBody({ code, exit, message, target, actions }: D3Error): ErrorBody {
  return { code, exit, message, target, actions: [...actions] };
}

/** @returns the error as it was thrown there; null when the answer is none of ours */
export function errorFrom(body: unknown): D3Error | null {
  if (typeof body !== 'object' || body === null) return null;
  const { code, exit, message, target, actions } = body as Partial<Record<keyof ErrorBody, unknown>>;
  const isOurs =
    typeof code === 'string' &&
    typeof exit === 'string' &&
    exit in EXIT_CODES &&
    typeof message === 'string' &&
    (typeof target === 'string' || target === null) &&
    Array.isArray(actions) &&
    actions.every((action) => typeof action === 'string');
  if (!isOurs) return null;
  return new D3Error(code, exit as ExitName, message, target === null ? { actions } : { target, actions });
}
