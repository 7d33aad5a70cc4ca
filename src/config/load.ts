import { lstatSync } from 'node:fs';
import { D3Error } from '@d3/sdk';
import { readPlainFile } from '../platform/plain-file.ts';
import { whoElseMayChange } from '../platform/trusted-folder.ts';
import { notTooDeep, plainYaml } from './plain-data.ts';

const MAX_BYTES = 1024 * 1024;

/** What a configuration file says. JSON and YAML only, never code. @throws D3Error usage when it cannot be read */
export async function parseFile(file: string): Promise<unknown> {
  const { cosmiconfig } = await import('cosmiconfig');
  // Looked at first: what reads it below would wait for a pipe, and take any size.
  textOf(file);
  const yaml = (_file: string, text: string) => plainYaml(text, { version: '1.2', maps: false, objects: 'wrong' });
  const explorer = cosmiconfig('d3', {
    loaders: { '.json': (_file, text) => notTooDeep(JSON.parse(text)), '.yaml': yaml, '.yml': yaml },
    searchPlaces: [],
    stopDir: '/',
  });
  try {
    return (await explorer.load(file))?.config;
  } catch (error) {
    throw unreadable(file, error);
  }
}

/** @throws D3Error usage for what is no plain file, or larger than any configuration */
export function textOf(file: string): string {
  try {
    return readPlainFile(file, MAX_BYTES).toString('utf8');
  } catch (error) {
    throw unreadable(file, error);
  }
}

function unreadable(file: string, error: unknown): D3Error {
  const why = (error as Error).message.split('\n')[0];
  return new D3Error('CONFIG_INVALID', 'usage', `The configuration cannot be read: ${why}.`, {
    target: file,
    actions: ['put it right, then: d3 config validate'],
    cause: error,
  });
}

/**
 * d3 runs as root and does what the file says: nobody else may be able to change it, or swap it through a folder above.
 * Owners may be root, or the caller for a root folder of its own.
 * @param options `secret`: nobody else may read it either
 * @throws D3Error refused (30) `CONFIG_UNTRUSTED`
 */
export function refuseUntrusted(file: string, root: string, { secret }: { secret: boolean } = { secret: false }): void {
  try {
    const stat = lstatSync(file);
    if (stat.isSymbolicLink()) throw untrusted(file, 'it is a link', 'put a plain file in its place');
    const found = whoElseMayChange(file, { below: root, group: 'none' });
    const me = process.getuid?.() ?? 0;
    if (found !== null) {
      const what = found.owner === null ? 'others may write it' : `its owner is uid ${found.owner}`;
      throw untrusted(found.at, what, `make it yours alone: chown ${me} ${found.at} && chmod go-w ${found.at}`);
    }
    if (secret && (stat.mode & 0o077) !== 0)
      throw untrusted(file, 'others may read it', `make it yours alone: chown ${me} ${file} && chmod 600 ${file}`);
  } catch (error) {
    if (error instanceof D3Error) throw error;
    const text = `What the configuration names cannot be used: ${(error as Error).message}.`;
    throw new D3Error('CONFIG_INVALID', 'usage', text, { target: file, cause: error });
  }
}

function untrusted(target: string, what: string, action: string): D3Error {
  return new D3Error('CONFIG_UNTRUSTED', 'refused', `The configuration is not trusted: ${what}.`, {
    target,
    actions: [action],
  });
}
