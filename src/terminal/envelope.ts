import type { D3Error, Envelope, EnvelopeError } from '@d3/sdk';

/** What an envelope is made of; everything but the command and the code may be left out. */
export interface EnvelopeParts {
  command: string | null;
  exit: number;
  run?: string | null;
  result?: unknown;
  errors?: readonly D3Error[];
  warnings?: readonly string[];
}

/** Builds the document of --json. */
export function envelope(parts: EnvelopeParts): Envelope {
  return {
    d3: 1,
    command: parts.command,
    exit: parts.exit,
    run: parts.run ?? null,
    result: parts.result ?? null,
    errors: (parts.errors ?? []).map(envelopeError),
    warnings: [...(parts.warnings ?? [])],
  };
}

function envelopeError(error: D3Error): EnvelopeError {
  return { code: error.code, message: error.message, target: error.target, actions: error.actions };
}
