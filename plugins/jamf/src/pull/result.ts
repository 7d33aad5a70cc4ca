/** What a pull came to; types, so that they are JSON. */
export type Pulled = {
  dryRun: boolean;
  /** Whether all computers were read, or those that changed. */
  full: boolean;
  kinds: KindPulled[];
  computers: {
    /** Looked at. */
    read: number;
    /** Those d3 knows by now. */
    linked: number;
    /** Records that changed. */
    changed: number;
    /** Jamf has them and d3 does not: they have not reported, or nothing they say of themselves fits. */
    unknown: { jamf: string; name: string; serial: string | null }[];
    /** Gone from Jamf since. */
    gone: string[];
    conflicts: Conflict[];
  };
  reports: { taken: number; known: number; aside: { computer: string; why: string }[] };
};

export type KindPulled = {
  kind: string;
  created: string[];
  renamed: { from: string; to: string }[];
  changed: string[];
  /** Were there under the same name, and the same. */
  adopted: string[];
  /** In Jamf no more; here they stay. */
  gone: string[];
  conflicts: Conflict[];
};

type Conflict = { name: string; why: string };

export function noneOf(kind: string): KindPulled {
  return { kind, created: [], renamed: [], changed: [], adopted: [], gone: [], conflicts: [] };
}

/** Whether anything of d3 was changed by it. */
export function changedAnything({ kinds, computers }: Pulled): boolean {
  return (
    computers.changed > 0 ||
    kinds.some(({ created, renamed, changed }) => created.length + renamed.length + changed.length > 0)
  );
}
