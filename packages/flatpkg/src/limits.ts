/** Upper bounds that keep a hostile package from taking the machine's memory, disk or time. All sizes in bytes. */
export interface Limits {
  /** The table of contents, compressed and uncompressed each. */
  tocBytes: number;
  /** PackageInfo and Distribution each, uncompressed; all of a package together may take four times as much. */
  metadataBytes: number;
  /** All bills of materials of a package, uncompressed. */
  bomBytes: number;
  /** Entries of all payloads of a package, folders that only follow from the path of something in them included. */
  entries: number;
  /** Paths and targets of symlinks in all payloads, or bills of materials, of a package: they are kept in memory. */
  nameBytes: number;
  /** All payloads of a package after decoding, headers included. */
  payloadBytes: number;
  /** Disk space an extraction leaves free. */
  reserveBytes: number;
}

const MiB = 1024 * 1024;

export const DEFAULT_LIMITS: Limits = {
  tocBytes: 64 * MiB,
  metadataBytes: 4 * MiB,
  bomBytes: 64 * MiB,
  entries: 1_000_000,
  nameBytes: 128 * MiB,
  payloadBytes: 64 * 1024 * MiB,
  reserveBytes: 64 * MiB,
};

export function withDefaults(limits: Partial<Limits> | undefined): Limits {
  return { ...DEFAULT_LIMITS, ...limits };
}
