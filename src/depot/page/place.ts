/** Where on the page somebody is, as the address says it after its #. Pure. */

export type Place = { query: Readonly<Record<string, string>> } & (
  | { view: 'overview' }
  | { view: 'packages' }
  | { view: 'edition'; id: string }
  | { view: 'machines' }
  | { view: 'machine'; id: string }
  | { view: 'queue' }
  | { view: 'runs' }
  | { view: 'run'; id: string }
  | { view: 'nowhere'; said: string }
);
export type View = Place['view'];

const LISTS: Readonly<Record<string, 'overview' | 'packages' | 'machines' | 'queue' | 'runs'>> = {
  '': 'overview',
  packages: 'packages',
  machines: 'machines',
  queue: 'queue',
  runs: 'runs',
};
const SINGLE: Readonly<Record<string, 'edition' | 'machine' | 'run'>> = {
  editions: 'edition',
  machines: 'machine',
  runs: 'run',
};

/** @param hash with or without its # */
export function placeOf(hash: string): Place {
  const said = hash.replace(/^#/, '');
  const [path = '', search = ''] = said.split('?', 2);
  const query = Object.fromEntries(new URLSearchParams(search));
  const parts = path.replace(/^\//, '').replace(/\/$/, '').split('/').map(decoded);
  const [first = '', second] = parts;
  const list = Object.hasOwn(LISTS, first) ? LISTS[first] : undefined;
  const one = Object.hasOwn(SINGLE, first) ? SINGLE[first] : undefined;
  if (parts.length === 1 && list !== undefined) return { view: list, query };
  if (parts.length === 2 && one !== undefined && second !== undefined && second !== '')
    return { view: one, id: second, query };
  return { view: 'nowhere', said: path, query };
}

/** The address of a place. Empty words of the query are left out. */
export function hashOf(path: readonly string[], query: Readonly<Record<string, string>> = {}): string {
  const words = Object.entries(query).filter(([, word]) => word !== '');
  const search = words.length === 0 ? '' : `?${new URLSearchParams(words).toString()}`;
  return `#/${path.map(encodeURIComponent).join('/')}${search}`;
}

export const machineAt = (id: string): string => hashOf(['machines', id]);
export const editionAt = (id: number): string => hashOf(['editions', String(id)]);
export const runAt = (id: string): string => hashOf(['runs', id]);

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
