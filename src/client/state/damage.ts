import { D3Error } from '@d3/sdk';

const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

/** Whether an error says that a state is not what d3 and SQLite wrote there. */
export function isDamage(error: unknown): boolean {
  if (error instanceof D3Error) return error.code === 'STATE_DAMAGED';
  // The low byte is the kind of error, the rest its detail.
  const kind = ((error as { errcode?: number } | null)?.errcode ?? 0) & 0xff;
  return kind === SQLITE_CORRUPT || kind === SQLITE_NOTADB;
}

/** @param why in words */
export function stateDamaged(why: string, cause?: unknown): D3Error {
  return new D3Error('STATE_DAMAGED', 'failed', `This machine's state is damaged: ${why}.`, {
    target: 'state.db',
    actions: ['run d3 sync as whoever may change this machine: it keeps the damaged file and rebuilds what it can'],
    cause,
  });
}
