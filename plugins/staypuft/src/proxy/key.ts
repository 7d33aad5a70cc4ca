import { existsSync, lstatSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type AdminPort, D3Error, type PluginContext } from '@d3/sdk';
import { publicKeyOf } from '../ssh/host-keys.ts';
import { checkKey } from '../ssh/keys.ts';
import { proxyOf } from './store.ts';

export type ProxyKey = {
  proxy: string;
  /** Absolute path of the private half on this controller. */
  key: string;
  /** `type base64 comment`. */
  publicKey: string;
  made: boolean;
};

const KEYGEN = '/usr/bin/ssh-keygen';
const TIMEOUT = 120_000;

/**
 * Makes a proxy's key pair where there is none; one that is there is never overwritten.
 * @throws D3Error refused `KEY_UNSAFE` for one that others can read
 */
export async function proxyKey(
  admin: AdminPort,
  { programs }: Pick<PluginContext, 'programs'>,
  name: string,
  type: 'ed25519' | 'rsa',
): Promise<ProxyKey> {
  const document = await proxyOf(admin, name);
  const key = document.body.key ?? path.join(await admin.room('staypuft'), 'keys', document.name.toLowerCase());
  const isThere = lstatSync(key, { throwIfNoEntry: false }) !== undefined;
  const run = async (args: string[]) => {
    const { code, stdout, lastLines } = await programs.run({ program: KEYGEN, args, timeout: TIMEOUT });
    if (code === 0) return stdout;
    throw new D3Error('KEY_NOT_MADE', 'failed', `ssh-keygen failed for ${key}: ${lastLines.join(' ')}.`, {
      target: key,
    });
  };
  if (!isThere) {
    mkdirSync(path.dirname(key), { recursive: true, mode: 0o700 });
    const bits = type === 'rsa' ? ['-b', '4096'] : [];
    await run(['-q', '-t', type, ...bits, '-N', '', '-C', `d3-${document.name}`, '-f', key]);
  }
  checkKey(key);
  const beside = existsSync(`${key}.pub`) ? readFileSync(`${key}.pub`, 'utf8').trim() : '';
  const publicKey = publicKeyOf(beside) === null ? (await run(['-y', '-P', '', '-f', key])).trim() : beside;
  if (document.body.key !== key || document.body.publicKey !== publicKey)
    await admin
      .documents('proxy')
      .update(document.id, document.generation, { body: { ...document.body, key, publicKey } });
  return { proxy: document.name, key, publicKey, made: !isThere };
}
