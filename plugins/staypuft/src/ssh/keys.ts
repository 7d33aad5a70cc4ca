import { lstatSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { D3Error } from '@d3/sdk';

const OTHERS_WRITE = 0o022;
const OTHERS_AT_ALL = 0o077;
const STICKY = 0o1000;

/**
 * Holds that a private key is its owner's alone: a plain file of the caller or root, 0600 or less, in folders that nobody else may change.
 * @param file absolute
 * @throws D3Error notFound `KEY_ABSENT`, refused `KEY_UNSAFE`
 */
export function checkKey(file: string): void {
  const uid = process.getuid?.() ?? 0;
  const mine = (owner: number) => owner === uid || owner === 0;
  const unsafe = (at: string, why: string, next: string) =>
    new D3Error('KEY_UNSAFE', 'refused', `The key ${file} is not used: ${why}.`, { target: at, actions: [next] });
  const stat = lstatSync(file, { throwIfNoEntry: false });
  if (stat === undefined)
    throw new D3Error('KEY_ABSENT', 'notFound', `There is no key ${file}.`, {
      target: file,
      actions: ['make one: d3 proxy key NAME'],
    });
  if (!stat.isFile()) throw unsafe(file, 'it is no plain file', 'name the file itself');
  if (!mine(stat.uid)) throw unsafe(file, `it belongs to uid ${stat.uid}`, `chown ${uid} ${file}`);
  if ((stat.mode & OTHERS_AT_ALL) !== 0) throw unsafe(file, 'others may read it', `chmod 600 ${file}`);
  for (let at = realpathSync(path.dirname(file)); ; at = path.dirname(at)) {
    const { mode, uid: owner } = statSync(at);
    if (!mine(owner)) throw unsafe(at, `${at} belongs to uid ${owner}`, 'keep keys in a folder of your own');
    if ((mode & OTHERS_WRITE) !== 0 && (mode & STICKY) === 0)
      throw unsafe(at, `others may write ${at}`, `chmod go-w ${at}`);
    if (at === '/') return;
  }
}
