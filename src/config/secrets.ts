import { D3Error } from '@d3/sdk';
import { readPlainFile } from '../platform/plain-file.ts';
import { type RunProgram, runProgram } from '../platform/program.ts';
import { refuseUntrusted } from './load.ts';
import type { SecretReference } from './settings.ts';

const MAX_BYTES = 64 * 1024;
const TIMEOUT = 30_000;

/**
 * Reads a secret from where it is kept: a file nobody else may read, or what a command prints. It is never kept, logged or
 * handed on in an argument or a variable.
 * @param name of the setting, for messages
 * @throws D3Error refused (30) when others may read or change it, failed (1) when there is none to be had
 */
export async function readSecret(
  name: string,
  reference: SecretReference,
  run: RunProgram = runProgram,
): Promise<string> {
  const secret = 'file' in reference ? fromFile(name, reference.file) : await fromCommand(name, reference.command, run);
  if (/^[\x21-\x7e]{1,4096}$/.test(secret)) return secret;
  throw noSecret(name, 'what is there is empty, has blanks or several lines');
}

function fromFile(name: string, file: string): string {
  refuseUntrusted(file, '/', { secret: true });
  try {
    return readPlainFile(file, MAX_BYTES).toString('utf8').trim();
  } catch (error) {
    throw noSecret(name, (error as Error).message, error);
  }
}

async function fromCommand(name: string, [program = '', ...args]: string[], run: RunProgram): Promise<string> {
  refuseUntrusted(program, '/', { secret: false });
  const { code, stdout, timedOut } = await run({ program, args, timeout: TIMEOUT });
  // What it printed may be half a secret: only how it ended is told.
  if (code !== 0)
    throw noSecret(name, timedOut ? `${program} took too long` : `${program} exited ${code ?? 'by a signal'}`);
  return stdout.trim();
}

function noSecret(name: string, why: string, cause?: unknown): D3Error {
  return new D3Error('NO_SECRET', 'failed', `The secret ${name} names cannot be had: ${why}.`, {
    target: name,
    actions: [`look at ${name} in the configuration, and at what it names`],
    cause,
  });
}
