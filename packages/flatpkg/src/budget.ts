import { damaged } from './errors.ts';
import type { Limits } from './limits.ts';

/** Counts what the parts of one kind take, all of a package together: a thousand components may share one payload. */
export class Tally {
  readonly #limits: Pick<Limits, 'entries' | 'nameBytes'>;
  readonly #maxBytes: number;
  readonly #what: string;
  #entries = 0;
  #nameBytes = 0;
  #bytes = 0;

  constructor(what: string, maxBytes: number, limits: Pick<Limits, 'entries' | 'nameBytes'>) {
    this.#what = what;
    this.#maxBytes = maxBytes;
    this.#limits = limits;
  }

  /** One more path of `nameBytes` bytes is kept in memory. Throws FlatpkgError `damaged`, naming `member`. */
  addEntry(nameBytes: number, member: string): void {
    this.#entries += 1;
    const { entries } = this.#limits;
    if (this.#entries > entries) {
      throw damaged('LIMIT_ENTRIES', `${this.#what} of the package hold more than ${entries} entries`, member);
    }
    this.addNames(nameBytes, member);
  }

  /** `bytes` more of names or targets. */
  addNames(bytes: number, member: string): void {
    this.#nameBytes += bytes;
    const { nameBytes } = this.#limits;
    if (this.#nameBytes > nameBytes) {
      throw damaged('LIMIT_NAMES', `the names in ${this.#what} take more than ${nameBytes} bytes`, member);
    }
  }

  /** `bytes` more have been, or will be, decoded. */
  addBytes(bytes: number, member: string): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#maxBytes) {
      throw damaged('LIMIT_BYTES', `${this.#what} of the package hold more than ${this.#maxBytes} bytes`, member);
    }
  }
}

// Some products have dozens of components, and few lines to say about each.
const DOCUMENTS = 4;

/** What one package may take of memory and time while it is open. */
export class Budget {
  readonly limits: Limits;
  /** PackageInfo of all components, and the Distribution. */
  readonly documents: Tally;
  /** Payloads and scripts archives as the archive holds them, once for each time they are read. */
  readonly packed: Tally;
  /** Payloads, scripts archives, and when a package is verified whatever else it holds. */
  readonly contents: Tally;
  /** Bills of materials. */
  readonly boms: Tally;

  constructor(limits: Limits) {
    this.limits = limits;
    this.documents = new Tally('the documents', DOCUMENTS * limits.metadataBytes, limits);
    this.packed = new Tally('the packed contents', limits.payloadBytes, limits);
    this.contents = new Tally('the contents', limits.payloadBytes, limits);
    this.boms = new Tally('the bills of materials', limits.bomBytes, limits);
  }
}
