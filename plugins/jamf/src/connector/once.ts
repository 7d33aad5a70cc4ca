import { D3Error } from '@d3/sdk';
import type { CallName } from './calls.ts';
import type { Caller, Connected } from './connection.ts';
import { OutcomeUnknown } from './refusal.ts';

/** Milliseconds after which every node of a server knows what one was told. */
const KNOWN_EVERYWHERE = 65_000;
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
    const id = await created(caller, create, fields);
    if (id !== null) return { id, made: true };
    const end = connection.clock.now() + KNOWN_EVERYWHERE;
    for (;;) {
      const found = await find(caller);
      if (found !== null) return { id: found, made: true };
      if (connection.clock.now() >= end) break;
      await connection.clock.wait(LOOK_EVERY);
    }
    const second = await created(caller, create, fields);
    if (second !== null) return { id: second, made: true };
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
