import { D3Error } from '@d3/sdk';
import type { CallName } from './calls.ts';
import { type Caller, type Connected, KNOWN_EVERYWHERE } from './connection.ts';
import { OutcomeUnknown } from './refusal.ts';

const LOOK_EVERY = 5000;

/** The record that is meant and whether it was made now. */
export interface Made {
  id: string;
  made: boolean;
}

/**
 * Makes a record unless it is there, and never twice: where nobody knows whether it was made, it is looked for until every node of the
 * server must know it.
 */
export async function madeOnce(
  connection: Connected,
  create: CallName,
  fields: object,
  find: (caller: Caller) => Promise<string | null>,
): Promise<Made> {
  return connection.sequence(async (caller) => {
    const there = await find(caller);
    if (there !== null) return { id: there, made: false };
    for (let tries = 0; tries < 2; tries += 1) {
      const id = (await created(caller, create, fields)) ?? (await untilKnown(connection, caller, find));
      if (id !== null) return { id, made: true };
    }
    const error = new D3Error(
      'JAMF_OUTCOME_UNKNOWN',
      'depotUnreachable',
      `Jamf Pro may or may not have done ${create}`,
      {
        target: create,
        actions: ['Run the command again: it looks before it does anything twice.'],
      },
    );
    throw error;
  });
}

/** Looks for a record until every node of the server must know whether it is there. */
async function untilKnown(
  { clock }: Connected,
  caller: Caller,
  find: (caller: Caller) => Promise<string | null>,
): Promise<string | null> {
  const end = clock.now() + KNOWN_EVERYWHERE;
  for (;;) {
    const found = await find(caller);
    if (found !== null || clock.now() >= end) return found;
    await clock.wait(LOOK_EVERY);
  }
}

/** The id of what was made; null where nobody knows whether it was. */
async function created(caller: Caller, create: CallName, fields: object): Promise<string | null> {
  try {
    const answer = (await caller.call(create, { json: fields })) as { id?: unknown } | null;
    return typeof answer?.id === 'string' ? answer.id : null;
  } catch (error) {
    if (error instanceof OutcomeUnknown) return null;
    throw error;
  }
}
