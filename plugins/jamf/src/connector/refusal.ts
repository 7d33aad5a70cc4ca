import { D3Error, type ExitName } from '@d3/sdk';

export interface Answer {
  status: number;
  body: string;
}

/** Characters of a server's own words that are repeated. */
const MOST_WORDS = 300;

/** What a server that says no is understood to say, in whichever of the shapes it says it. */
/** @param named whether one of several was asked for; else it is the call itself that is not found */
export function refusal(what: string, answer: Answer, named = true): D3Error {
  const { code, exit, next } = kindOf(answer.status, named);
  const said = wordsOf(answer.body);
  return new D3Error(code, exit, `Jamf Pro refused ${what}: ${answer.status}${said === '' ? '' : `, ${said}`}`, {
    target: what,
    actions: [next],
  });
}

/** A login that was refused: a server that takes none by password says just what it says to a wrong one. */
export function loginRefused(answer: Answer): D3Error {
  const said = wordsOf(answer.body);
  const message = `Jamf Pro refused the user or the password, or takes no logins by password: 401${said === '' ? '' : `, ${said}`}`;
  return new D3Error('JAMF_NOT_AUTHORISED', 'notAuthorised', message, {
    target: 'a token',
    actions: [
      'Log in to Jamf Pro in a browser as that user: a password that has expired is asked for anew there.',
      'Where users only come in by single sign-on, use an API client: d3 jamf roles',
    ],
  });
}

/** Nobody knows whether it was done: the answer did not come. */
export class OutcomeUnknown extends D3Error {
  constructor(what: string, cause: unknown) {
    super('JAMF_OUTCOME_UNKNOWN', 'depotUnreachable', `Jamf Pro may or may not have done ${what}: ${causeOf(cause)}`, {
      target: what,
      actions: ['Run the command again: it looks before it does anything twice.'],
      cause: plain(cause),
    });
  }
}

export function unreachable(server: string, cause: unknown): D3Error {
  return new D3Error(
    'JAMF_UNREACHABLE',
    'depotUnreachable',
    `Jamf Pro at ${server} does not answer: ${causeOf(cause)}`,
    {
      target: server,
      actions: ['Check the address, and that this machine reaches it.'],
      cause: plain(cause),
    },
  );
}

export function wordsOf(body: string): string {
  const text = body.trim();
  if (text === '') return '';
  if (text.startsWith('<')) return short(text.replaceAll(/<(style|script)\b[\s\S]*?<\/\1>|<[^>]*>/gi, ' '));
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return short(text);
  }
  if (json === null || typeof json !== 'object') return short(text);
  const { errors, code, message, error, error_description } = json as Record<string, unknown>;
  if (Array.isArray(errors)) return short(errors.map(causeWords).join('; '));
  const parts = [code, error, message, error_description].filter((one) => typeof one === 'string');
  return short(parts.join(' '));
}

function causeWords(cause: unknown): string {
  if (cause === null || typeof cause !== 'object') return String(cause);
  const { code, field, description } = cause as Record<string, unknown>;
  return [field, code, description].filter((one) => typeof one === 'string' && one !== '').join(' ');
}

function short(words: string): string {
  const flat = words.replaceAll(/\p{Cc}|\s+/gu, ' ').trim();
  return flat.length > MOST_WORDS ? `${flat.slice(0, MOST_WORDS)}…` : flat;
}

/** An error without what hangs on it: that of a request carries its headers, and so its token. */
function plain(cause: unknown): Error {
  const made = new Error(causeOf(cause));
  if (cause instanceof Error) made.stack = cause.stack ?? made.message;
  return made;
}

function causeOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function kindOf(status: number, named: boolean): { code: string; exit: ExitName; next: string } {
  if (status === 400)
    return { code: 'JAMF_BAD_REQUEST', exit: 'refused', next: 'Correct what the server names, and try again.' };
  if (status === 401)
    return {
      code: 'JAMF_NOT_AUTHORISED',
      exit: 'notAuthorised',
      next: 'Check the client id and secret, or log in again.',
    };
  if (status === 403)
    return {
      code: 'JAMF_FORBIDDEN',
      exit: 'notAuthorised',
      next: 'Compare the privileges of the API role with those of `d3 jamf roles`.',
    };
  if (status === 404 && !named)
    return {
      code: 'JAMF_NOT_FOUND',
      exit: 'notFound',
      next: 'This Jamf Pro may be too old for it: see its version with d3 jamf doctor.',
    };
  if (status === 404)
    return { code: 'JAMF_NOT_FOUND', exit: 'notFound', next: 'Check whether it was deleted in Jamf Pro.' };
  if (status === 409 || status === 422)
    return { code: 'JAMF_CONFLICT', exit: 'refused', next: 'Choose another name, or use what is there.' };
  if (status === 429 || status >= 500)
    return { code: 'JAMF_UNAVAILABLE', exit: 'depotUnreachable', next: 'Try again later.' };
  return { code: 'JAMF_REFUSED', exit: 'failed', next: 'Check the address of the server.' };
}
