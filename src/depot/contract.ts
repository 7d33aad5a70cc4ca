import type { Criteria, EaType } from '../catalog/criteria.ts';
import type { Catalog, GroupRef, PackageFormat, PolicyBody } from '../catalog/types.ts';
import type { SealedRecord } from './sealed-records.ts';
import type { Passage, Piece } from './transport.ts';

/** What every machine sends after a run, failed ones too. Kept in the inbox until an admin command takes it in. */
export interface Report {
  schema: 'd3/report@1';
  run: string;
  /** ISO 8601, UTC. */
  at: string;
  computer: {
    /** Random id of the machine's own state; everything else is a claim. */
    id: string;
    name: string;
    claims: { serial: string | null; hardwareUuid: string | null; macs: string[] };
    /** Who sat there; null when nobody did. Absent in reports of older machines. */
    user?: string | null;
  };
  os: { name: string; version: string };
  cpu: string;
  /** As its maker calls it; absent in reports of older machines. */
  model?: string | null;
  /** What is known of its provisioning, by name. */
  provisioning?: Record<string, string>;
  /** False when a plugin of the machine failed to tell of it; absent when none did. */
  provisioningComplete?: boolean;
  d3: string;
  command: string;
  exit: number;
  /** When the catalog the machine had then expires, ISO 8601; absent where it had none, and in reports of older machines. */
  catalogExpires?: string;
  /** Why the run as a whole came to nothing; absent when it came to its end. */
  failure?: string;
  outcomes: ReportedOutcome[];
  receipts: ReportedReceipt[];
  /** What waits for a restart; absent in reports of older machines. */
  queue?: ReportedQueued[];
}

export interface ReportedOutcome {
  target: string;
  /** What the target turned out to be of; absent in reports of older machines. */
  basename?: string | null;
  edition: string | null;
  /** As the run itself names them. */
  status: 'installed' | 'uninstalled' | 'failed' | 'blocked' | 'held' | 'deferred' | 'interrupted' | 'refreshed';
  reason: string | null;
  /** Processes it waits for, and since when (ISO 8601). */
  blockedBy?: { processes: string[]; since: string };
}

export interface ReportedReceipt {
  basename: string;
  version: string;
  revision: number;
  edition: string;
  id: number;
  piloting: boolean;
  frozen: boolean;
  admin: string;
  /** ISO 8601, UTC. */
  installedAt: string;
  /** Who froze it and when, ISO 8601; absent while it is not frozen. */
  freeze?: { by: string; at: string };
  /** Since when its edition is no longer in the depot, ISO 8601; absent while it is. */
  goneSince?: string;
  /** A person asked for it, as against an auto-install; absent in reports of older machines. */
  manual?: boolean;
  /** Why somebody should look at it; absent while all is well. */
  attention?: string;
}

export interface ReportedQueued {
  basename: string;
  version: string;
  revision: number;
  edition: string;
  id: number;
  piloting: boolean;
  admin: string;
  /** Days, or null for the edition's own. */
  customExpiration: number | null;
  /** ISO 8601, UTC. */
  queuedAt: string;
}

/** Body of a document of kind `group`. */
export type GroupBody = StaticGroupBody | SmartGroupBody;

export interface StaticGroupBody {
  schema: 'd3/group@1';
  kind: 'static';
  description: string;
  /** Computer ids. */
  members: string[];
}

export interface SmartGroupBody {
  schema: 'd3/group@1';
  kind: 'smart';
  description: string;
  criteria: Criteria;
}

/** Bodies of the documents that are only a name and what it stands for. */
export interface CategoryBody {
  schema: 'd3/category@1';
  description: string;
}
export interface DepartmentBody {
  schema: 'd3/department@1';
  description: string;
}
export interface BuildingBody {
  schema: 'd3/building@1';
  description: string;
}
export interface SiteBody {
  schema: 'd3/site@1';
  description: string;
}

/** Body of a document of kind `ea`: an extension attribute, which admins set for computers. */
export interface EaBody {
  schema: 'd3/ea@1';
  description: string;
  type: EaType;
  /** What can be chosen; empty unless its type is `choice`. */
  choices: string[];
}

/** Body of a document of kind `computer`, named by the computer's id: what admins say of it. */
export interface ComputerBody {
  schema: 'd3/computer@1';
  /** What admins call it; null: as it calls itself. */
  name: string | null;
  /** Ids of documents. */
  department: number | null;
  building: number | null;
  site: number | null;
  /** Values of extension attributes by the ids of their documents. */
  attributes: Record<string, string>;
}

/** Body of a document of kind `computer-ahead`: what is said of a computer before it was heard of. Its name is the serial number. */
export interface ComputerAheadBody extends Omit<ComputerBody, 'schema'> {
  schema: 'd3/computer-ahead@1';
}

/** Body of a document of kind `mirror`: another place that has the package files. */
export interface MirrorBody {
  schema: 'd3/mirror@1';
  /** An http(s) address, or an absolute path of a folder, that has `blobs/` as the depot has. */
  url: string;
  /** CIDR ranges whose machines use it; empty: all. */
  networks: string[];
  /** The lowest number is tried first. */
  priority: number;
}

/** Body of a document of kind `script`. */
export interface ScriptBody {
  schema: 'd3/script@1';
  /** Hash of the script's bytes; names its blob. */
  sha256: string;
  size: number;
  description: string;
}

/** The blob an edition's `contents` names: what the package installs, without opening it. */
export interface PackageContents {
  schema: 'd3/contents@1';
  files: { path: string; type: 'file' | 'dir' | 'symlink'; size: number }[];
}

/** A catalog a machine may act on. */
export interface TrustedCatalog {
  catalog: Catalog;
  /** SHA-256 of the catalog's bytes. */
  sha256: string;
  /** ISO 8601: when the first of the metadata files that vouch for it expires. */
  expires: string;
  /** `fresh`: verified against the depot in this call; `unchanged`: the depot still serves what was verified before; `kept`: not asked. */
  source: 'fresh' | 'unchanged' | 'kept';
  /** What the user should know, e.g. that the clock is behind; sentences. */
  warnings: string[];
}

/** One place that has the depot's package files: a mirror, or the depot itself. */
export interface BlobSource {
  /** For messages. */
  readonly location: string;
  /** Milliseconds to wait before each further try after a cut. */
  readonly pauses: readonly number[];
  /**
   * A blob's bytes, not yet verified, after those that came before if it can.
   * @throws D3Error `notFound` (34), `depotUnreachable` (20) or `verificationFailed` (33)
   */
  open(sha256: string, after: Piece | null): Promise<Passage>;
}

/** A machine's whole view of a depot: three calls on every transport. It never opens the depot's database. */
export interface DepotClient {
  /** Where it is, for messages. */
  readonly location: string;
  /** The depot sees by whose key it is asked that this machine was here. */
  readonly knowsThisMachine?: boolean;
  /**
   * Fetches and verifies the newest metadata and catalog.
   * @param options `keep`: whether what was verified is kept on the machine; true unless said
   * @throws D3Error `depotUnreachable` (20), or `verificationFailed` (33) when the source is stale, rolled back, mixed or altered
   */
  refresh(options?: { keep: boolean }): Promise<TrustedCatalog>;
  /**
   * The last good catalog without asking the depot; null when there is none or it has expired.
   * @param options `expired`: take one that has expired too, with a warning: for looking at, never to act on
   */
  kept(options?: { expired: boolean }): Promise<TrustedCatalog | null>;
  /**
   * What admins say of this machine; null: nothing.
   * @param computer its id
   * @throws D3Error depotUnreachable (20), verificationFailed (33) for what was not sealed for it
   */
  record(computer: string): Promise<SealedRecord | null>;
  /**
   * A blob as a stream of its bytes, not yet verified: the caller hashes while it writes.
   * @throws D3Error `notFound` (34) or `depotUnreachable` (20)
   */
  blob(sha256: string): Promise<NodeJS.ReadableStream>;
  /**
   * Where package files may come from, the nearest first and the depot itself last, as the catalog says that was
   * refreshed or kept last.
   */
  sources(): readonly BlobSource[];
  /** @throws D3Error `depotUnreachable` (20); `REPORTS_NOT_TAKEN` from a source that only gives files */
  report(report: Report): Promise<void>;
  /** What the depot says of the time, for a machine whose own clock may be wrong. It throws nothing: what is not known is null. */
  time(): Promise<DepotTime>;
}

/** What a depot says of the time. */
export interface DepotTime {
  /** When the newest was signed that this machine trusts: it is later than that, whatever its clock says. */
  signed: Date | null;
  /** What the depot's host says it is; nothing vouches for it. */
  host: Date | null;
}

export type { GroupRef, PackageFormat, Passage, Piece, PolicyBody };
