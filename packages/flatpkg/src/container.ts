/** One member of an archive that holds a package. */
export interface Member {
  /** Folders joined with `/`, no leading slash. */
  path: string;
  /** `file`, `directory`, `symlink`, … as the archive says. */
  type: string;
  /** Bytes of its content after decoding; 0 for what has none. */
  size: number;
  /** Bytes it takes in the archive. */
  stored: number;
}

/**
 * An open archive that holds a package: a xar for a flat one, a zip for a bundle. Whatever it hands out is checked
 * against the checksums of the archive. It reads from a descriptor that stays the caller's.
 */
export interface Container {
  /** Bytes of the whole file. */
  readonly size: number;
  readonly members: readonly Member[];
  find(path: string): Member | null;
  /** A small file decoded and in memory; refuses more than `cap` bytes. */
  read(member: Member, cap: number): Promise<Buffer>;
  /**
   * The decoded content of a file in pieces, each good until the next but one is asked for. Its checksums are compared
   * after the last piece: a consumer that stops early has verified nothing.
   */
  stream(member: Member, signal?: AbortSignal): AsyncGenerator<Buffer, void, undefined>;
  /** Whether the content of a member has been read to its end, decoded and found right. */
  hasRead(member: Member): boolean;
  /** Verifies every member that was not read to its end so far. */
  verifyRest(signal?: AbortSignal): Promise<void>;
}
