import type { PlanReceipt } from '@d3/sdk';

/** What expiration goes by, gathered before a plan is made. Plain data: it crosses the bus. */
export type ExpirationFacts = {
  /** The master switch of this machine. */
  allowed: boolean;
  /** Days users are told before something is removed; null: nobody is told. */
  noticeDays: number | null;
  /** The latest time a sync here has ever seen, ISO 8601; null: none yet. */
  clockSeen: string | null;
  /** Whether d3RepoMan runs; null: what runs cannot be found out. */
  monitor: boolean | null;
  /** Those of the expiration paths whose program runs; null: it cannot be found out. */
  running: readonly string[] | null;
  usage: UsageFacts;
  /** By basename: until when it is kept, ISO 8601; null: until that is taken back. */
  kept: Readonly<Record<string, string | null>>;
  /** By basename: for which edition its users were told that it will be removed, and when (ISO 8601). */
  noticed: Readonly<Record<string, { edition: string; at: string }>>;
};

/** What users' files say of the expiration paths. */
export type UsageFacts =
  | { known: false; why: string }
  | {
      known: true;
      /** When the newest of the files was written, ISO 8601; null: no file has a time that can be believed. */
      writtenAt: string | null;
      /** Since when all of the use here is on record, ISO 8601; null: nothing is. */
      since: string | null;
      /** By expiration path: the last use by anybody, ISO 8601. */
      lastUsed: Readonly<Record<string, string>>;
      /** Expiration paths with a use in the future: nobody knows when it was. */
      future: readonly string[];
      /** Expiration paths no usage file can have. */
      unrecordable: readonly string[];
    };

/** What is asked of a receipt. */
export type ExpiringReceipt = Pick<
  PlanReceipt,
  'basename' | 'edition' | 'removable' | 'expiration' | 'expirationPaths' | 'firmExpiration' | 'installedAt'
>;
