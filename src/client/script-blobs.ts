import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { D3Error } from '@d3/sdk';
import type { ScriptPin } from '../catalog/types.ts';
import type { DepotClient } from '../depot/contract.ts';
import { makeFolder } from '../platform/make-folder.ts';
import { syncFolder } from '../platform/rootfs.ts';

const MAX_BYTES = 4 * 1024 * 1024;

/**
 * Scripts by the hash of their content. Those that removing a package will need are kept on the machine from the time it
 * is installed: then the depot may be out of reach, or may have deleted the edition.
 */
export class ScriptBlobs {
  readonly #folder: string;
  readonly #depot: DepotClient | null;

  /** @param folder in the machine's state; made 0700 */
  constructor(folder: string, depot: DepotClient | null) {
    this.#folder = folder;
    this.#depot = depot;
  }

  /** @throws D3Error notFound (34), depotUnreachable (20) or verificationFailed (33) */
  async read(sha256: string): Promise<Buffer> {
    const kept = this.#kept(sha256);
    if (kept !== null) return kept;
    if (this.#depot === null) throw this.#absent(sha256);
    const bytes = await collect(await this.#depot.blob(sha256), sha256);
    if (hashOf(bytes) === sha256) return bytes;
    throw new D3Error(
      'SCRIPT_ALTERED',
      'verificationFailed',
      'The script the depot gave is not the one in the catalog.',
      {
        target: sha256,
        actions: ['Nothing was run; an admin should look at the depot.'],
      },
    );
  }

  /** Keeps scripts on the machine. */
  async keep(scripts: readonly ScriptPin[]): Promise<void> {
    for (const { sha256 } of scripts) {
      if (this.#kept(sha256) !== null) continue;
      const bytes = await this.read(sha256);
      makeFolder(this.#folder, 0o700);
      const part = path.join(this.#folder, `${sha256}.part`);
      rmSync(part, { force: true });
      writeFileSync(part, bytes, { mode: 0o600, flag: 'wx', flush: true });
      renameSync(part, path.join(this.#folder, sha256));
      syncFolder(this.#folder);
    }
  }

  /** Lets go of all but these. */
  keepOnly(wanted: ReadonlySet<string>): void {
    for (const name of names(this.#folder)) {
      if (!wanted.has(name)) rmSync(path.join(this.#folder, name), { force: true });
    }
  }

  #kept(sha256: string): Buffer | null {
    try {
      const bytes = readFileSync(path.join(this.#folder, sha256));
      return hashOf(bytes) === sha256 ? bytes : null;
    } catch {
      return null;
    }
  }

  #absent(sha256: string): D3Error {
    return new D3Error('SCRIPT_NOT_FOUND', 'notFound', 'The script is not on this machine, and no depot is known.', {
      target: sha256,
      actions: ['Name the depot: --depot DIR'],
    });
  }
}

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

async function collect(stream: NodeJS.ReadableStream, sha256: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BYTES) {
      throw new D3Error('SCRIPT_TOO_LARGE', 'verificationFailed', 'The depot gave more than a script may have.', {
        target: sha256,
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
