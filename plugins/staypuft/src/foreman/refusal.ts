import { D3Error, type ExitName } from '@d3/sdk';
import { CALLS, type CallName } from './calls.ts';

export interface Answer {
  status: number;
  body: string;
}

/** Characters of a server's own words that are repeated. */
const MOST_WORDS = 300;

/** A call in messages: `PUT /api/v2/hosts/7`. */
export interface Named {
  name: CallName;
  path: string;
}

export function callWords({ name, path }: Named): string {
  return `${CALLS[name].method.toUpperCase()} ${path}`;
}

/** What a Foreman that says no is understood to say. */
export function refusal(call: Named, answer: Answer): D3Error {
  const { code, exit, next } = kindOf(answer.status, CALLS[call.name].permission);
  const said = wordsOf(answer.body);
  const what = callWords(call);
  return new D3Error(code, exit, `Foreman refused ${what}: ${answer.status}${said === '' ? '' : `, ${said}`}`, {
    target: what,
    actions: [next],
  });
}

/** Nobody knows whether it was done: no answer came, or none that can be believed. */
export class OutcomeUnknown extends D3Error {
  constructor(call: Named, cause: unknown) {
    const what = callWords(call);
    super(
      'FOREMAN_OUTCOME_UNKNOWN',
      'depotUnreachable',
      `Foreman may or may not have done ${what}: ${causeWords(cause)}`,
      { target: what, actions: ['Do it again: what was done is looked at first.'], cause: plain(cause) },
    );
  }
}

export function unreachable(server: string, call: Named, cause: unknown): D3Error {
  const what = callWords(call);
  return new D3Error(
    'FOREMAN_UNREACHABLE',
    'depotUnreachable',
    `Foreman at ${server} does not answer ${what}: ${causeWords(cause)}`,
    {
      target: server,
      actions: ['Check foreman.url and foreman.ca, and that this machine reaches it: d3 foreman doctor'],
      cause: plain(cause),
    },
  );
}

export function notUnderstood(call: Named, what: string): D3Error {
  return new D3Error('FOREMAN_NOT_UNDERSTOOD', 'depotUnreachable', `Foreman answered ${callWords(call)} ${what}`, {
    target: callWords(call),
    actions: ['Check that foreman.url is that of Foreman, and what lies between.'],
  });
}

/** What a server says, in whichever of the shapes it says it, in one line. */
export function wordsOf(body: string): string {
  const text = body.trim();
  if (text.startsWith('<')) return short(text.replaceAll(/<(style|script)\b[\s\S]*?<\/\1>|<[^>]*>/gi, ' '));
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return short(text);
  }
  if (json === null || typeof json !== 'object') return short(text);
  const { error, message, errors } = json as Record<string, unknown>;
  if (typeof error === 'string') return short([error, message].filter((one) => typeof one === 'string').join(' '));
  if (error === null || typeof error !== 'object')
    return short(typeof message === 'string' ? message : errors === undefined ? '' : JSON.stringify(errors));
  const { message: why, details, full_messages: full } = error as Record<string, unknown>;
  const parts = Array.isArray(full) ? full : [why, details];
  return short(parts.filter((one) => typeof one === 'string').join('; '));
}

export function causeWords(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function short(words: string): string {
  const flat = words.replaceAll(/\p{Cc}|\s+/gu, ' ').trim();
  return flat.length > MOST_WORDS ? `${flat.slice(0, MOST_WORDS)}…` : flat;
}

/** An error without what hangs on it: that of a request carries its headers, and so the token. */
function plain(cause: unknown): Error {
  const made = new Error(causeWords(cause));
  if (cause instanceof Error) made.stack = cause.stack ?? made.message;
  return made;
}

function kindOf(status: number, permission: string | null): { code: string; exit: ExitName; next: string } {
  if (status === 401)
    return {
      code: 'FOREMAN_NOT_AUTHORISED',
      exit: 'notAuthorised',
      next: 'Check foreman.user, and that the personal access token in foreman.tokenFile has not expired.',
    };
  if (status === 403)
    return {
      code: 'FOREMAN_FORBIDDEN',
      exit: 'notAuthorised',
      next: `Give the account in Foreman ${permission === null ? 'what it lacks' : `the permission ${permission}`}: d3 foreman doctor`,
    };
  if (status === 404)
    return { code: 'FOREMAN_NOT_FOUND', exit: 'notFound', next: 'Check whether it was deleted in Foreman.' };
  if (status === 409)
    return {
      code: 'FOREMAN_CONFLICT',
      exit: 'refused',
      next: 'See what else works on it in Foreman, and do it again.',
    };
  if (status === 400 || status === 422)
    return { code: 'FOREMAN_INVALID', exit: 'refused', next: 'Correct in Foreman what it names, and do it again.' };
  if (status === 501)
    return {
      code: 'FOREMAN_NOT_THERE',
      exit: 'failed',
      next: 'This Foreman does not have it: see its version and plugins with d3 foreman doctor.',
    };
  if (status === 429 || status >= 500)
    return {
      code: 'FOREMAN_UNAVAILABLE',
      exit: 'depotUnreachable',
      next: 'Look at the log of Foreman, and try again.',
    };
  return { code: 'FOREMAN_REFUSED', exit: 'failed', next: 'Check the address of Foreman.' };
}
