/** Asks the server this page came from, and nobody else. */

export interface Session {
  name: string;
  ends: string;
}

/** What went wrong, in words for whoever looks. */
export class Refusal extends Error {
  readonly status: number;
  readonly actions: readonly string[];

  constructor(status: number, message: string, actions: readonly string[]) {
    super(message);
    this.status = status;
    this.actions = actions;
  }
}

const API = 'api/v1/';

/** @throws Refusal */
export async function ask<Answer>(path: string, options: RequestInit = {}): Promise<Answer> {
  const answer = await fetched(path, options);
  const body: unknown = answer.status === 204 ? null : await answer.json().catch(() => null);
  if (answer.ok) return body as Answer;
  const { message, actions } = (body ?? {}) as { message?: unknown; actions?: unknown };
  throw new Refusal(
    answer.status,
    typeof message === 'string' ? message : `The server answered with ${answer.status}.`,
    Array.isArray(actions) ? actions.map(String) : [],
  );
}

async function fetched(path: string, options: RequestInit): Promise<Response> {
  try {
    return await fetch(API + path, { credentials: 'same-origin', cache: 'no-store', redirect: 'error', ...options });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Refusal(0, 'The server does not answer.', ['see whether it runs, and try again']);
  }
}

export const whoIsIn = (): Promise<Session> => ask<Session>('page/session');

export const signIn = (token: string): Promise<Session> =>
  ask<Session>('page/session', { method: 'POST', headers: { authorization: `Bearer ${token}` } });

export const signOut = (): Promise<null> => ask<null>('page/session', { method: 'DELETE' });
