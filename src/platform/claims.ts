import { D3Error } from '@d3/sdk';

/** What is asked about: paths, and folders with whatever is in them; keys of paths that are absolute within the root. */
export interface Claimable {
  paths: ReadonlySet<string>;
  folders: readonly string[];
  /** The key under which names collide on this file system. */
  keyOf(at: string): string;
}

/** Other package managers of a machine, which know files of their own. */
export interface Claims {
  /**
   * @param own ids of the Apple packages that what is removed is made of: what these claim goes with them
   * @returns who says so, by key: of those asked about, and of those in the folders asked about
   * @throws D3Error failed when what they know cannot be read
   */
  claimed(asked: Claimable, own: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

/** @param mend how to make it readable again */
export function claimsUnreadable(who: string, why: string, target: string, mend: string): D3Error {
  return new D3Error('CLAIMS_UNREADABLE', 'failed', `What ${who} has installed cannot be found out: ${why}.`, {
    target,
    actions: [`${mend}; until then nothing is removed, since it could be another's`],
  });
}

/** What any of several claims. */
export function allClaims(all: readonly Claims[]): Claims {
  return {
    async claimed(asked, own) {
      const found = new Map<string, string>();
      for (const claims of all) for (const [key, who] of await claims.claimed(asked, own)) found.set(key, who);
      return found;
    },
  };
}
