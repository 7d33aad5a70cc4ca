import { BASENAME, VERSION } from '../../../catalog/names.ts';
import { versionKey } from './versions.ts';

/** Names of Munki as d3 can have them. */

/** @returns null when nothing of it can be a basename */
export function basenameOf(name: string): string | null {
  const basename = name
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[^A-Za-z0-9._+-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .replace(/-+$/, '');
  return BASENAME.test(basename) ? basename : null;
}

/** @returns null when nothing of it can be a version */
export function versionOf(version: string): string | null {
  const clean = version
    .trim()
    .replaceAll(/[^A-Za-z0-9._+~-]+/g, '_')
    .replace(/^[^A-Za-z0-9]+/, '')
    .replace(/_+$/, '');
  return VERSION.test(clean) ? clean : null;
}

/** What items have in common that are one to Munki, or would be to d3. */
export function twinKey(basename: string, version: string): string {
  return `${basename.toLowerCase()} ${versionKey(version)}`;
}

/** A name a group, a category and the like may have; null when nothing of it can be one. */
export function documentName(text: string): string | null {
  const name = text
    .replaceAll(/[,\p{Cc}]+/gu, ' ')
    .trim()
    .replaceAll(/\s+/g, ' ');
  return name === '' || name.length > 100 || /^(?:standard|none|n|\d+)$/i.test(name) ? null : name;
}
