import type { Claims } from '../../catalog/claims.ts';
import type { StatusChange } from '../../catalog/lifecycle.ts';
import type {
  DebianPackage,
  Edition,
  EditionAttributes,
  PackageFile,
  Status,
  StoredStatus,
} from '../../catalog/types.ts';
import type { RunStore } from '../../runs/types.ts';
import type {
  BuildingBody,
  CategoryBody,
  ComputerAheadBody,
  ComputerBody,
  DepartmentBody,
  EaBody,
  GroupBody,
  MirrorBody,
  PolicyBody,
  Report,
  ReportedOutcome,
  ReportedQueued,
  ReportedReceipt,
  ScriptBody,
  SiteBody,
} from '../contract.ts';
import type { Anchor, ChainedEvent } from '../event-chain.ts';
import type { Role } from '../roles.ts';

/**
 * The depot's store as every database behind it must offer it. One contract suite (test/depot/store-contract.ts) holds
 * all of them. Times are ISO 8601 in UTC; `by` is the name of the admin, self-declared on an embedded depot.
 */
export interface Store extends AdminStore {
  readonly history: HistoryStore;
  readonly computers: ComputerStore;
  readonly publication: PublicationStore;
  readonly overview: OverviewStore;
  readonly pageSessions: PageSessionStore;
  readonly tokens: TokenStore;
  readonly enrolments: EnrolmentStore;
  /**
   * Runs `work` while nothing else changes in the store: nothing is added that what it decides would hurt.
   * @param work given the store to read from, and only that
   */
  exclusively<Result>(
    work: (store: Pick<Store, 'editions' | 'documents' | 'documentHashes'>) => Promise<Result>,
  ): Promise<Result>;
  close(): Promise<void>;
}

/** What of the store admins work with, here or over the network: nothing of it needs the caller's own code to run within. */
export interface AdminStore {
  readonly editions: EditionStore;
  /** Documents of one registered kind. */
  documents<K extends keyof DocumentBodies>(kind: K): Documents<DocumentBodies[K]>;
  documents(kind: string): Documents<DocumentBody>;
  /** Every SHA-256 that a document of any kind names, those of kinds unknown to this d3 among them. */
  documentHashes(): Promise<Set<string>>;
  readonly history: Omit<HistoryStore, 'chain' | 'rows'>;
  readonly computers: Omit<ComputerStore, 'takeReport' | 'takeOverAhead'>;
  readonly publication: Pick<PublicationStore, 'generation' | 'last'>;
  /** Runs that are advanced by the depot's own host. */
  readonly runs: RunStore;
  /** What time it is for all who share the store; null: it is on this host, whose clock counts. */
  serverTime(): Promise<Date | null>;
  readonly tokens: Pick<TokenStore, 'add' | 'list' | 'revoke'>;
  readonly enrolments: Omit<EnrolmentStore, 'enrol'>;
}

/** An edition in the store: its status is never `missing`, which the depot derives from its blobs. */
export interface StoredEdition extends Edition {
  status: StoredStatus;
}

/** What an admin brings; id, edition string, status and dates are the store's. */
export interface NewEdition extends EditionAttributes {
  basename: string;
  version: string;
  revision: number;
  file: PackageFile;
  contents: string | null;
  applePackages: Edition['applePackages'];
  debianPackage?: DebianPackage;
}

/** Everything but the basename and what the store decides. Only the given properties change. */
export type EditionChanges = Partial<Omit<NewEdition, 'basename'>>;

export interface DeletedEdition extends StoredEdition {
  deletedAt: string;
  deletedBy: string;
  /** Kept for looking up, with its scripts and its list of contents. */
  archived: boolean;
  /** Whether its file is kept too. */
  fileKept: boolean;
}

/** What the caller saw of a basename before it decided to make an edition live. */
export interface ExpectedBasename {
  liveId: number | null;
  newestId: number;
}

export interface EditionStore {
  /** All editions in id order. */
  list(): Promise<StoredEdition[]>;
  byId(id: number): Promise<StoredEdition | null>;
  /** @param edition the exact string `basename-version-revision` */
  byEdition(edition: string): Promise<StoredEdition | null>;
  /**
   * Adds a pilot.
   * @param confirm asked last, while nothing else changes in the store; when it throws nothing is added
   * @throws D3Error refused: `EDITION_EXISTS`, `EDITION_IS_A_BASENAME`, `BASENAME_IS_AN_EDITION`, `BASENAME_CASE`; usage: `EDITION_INVALID`
   */
  insert(edition: NewEdition, by: string, confirm?: () => Promise<void>): Promise<StoredEdition>;
  /**
   * Changes an edition; a new version or revision makes a new edition string under the rules of {@link insert}.
   * @param unless the status it must not have by then
   * @throws D3Error notFound `EDITION_NOT_FOUND`; refused `EDIT_CONFLICT`; and as {@link insert}
   */
  update(id: number, changes: EditionChanges, by: string, unless?: StoredStatus): Promise<StoredEdition>;
  /**
   * Makes an edition live with all effects on its basename, in one transaction, provided the basename's live and newest
   * ids are still those the caller saw.
   * @returns the changes made; empty when it was live already
   * @throws D3Error refused `LIVE_CONFLICT`, notFound `EDITION_NOT_FOUND`
   */
  makeLive(id: number, by: string, expected: ExpectedBasename): Promise<StatusChange[]>;
  /**
   * Takes an edition out of the catalog. Its id and identity stay known.
   * @param options `expected`: the status it must still have, as it was when this was agreed to
   * @returns the edition as it was
   * @throws D3Error notFound `EDITION_NOT_FOUND`, refused `DELETE_CONFLICT`
   */
  delete(
    id: number,
    by: string,
    options: { archive: boolean; keepFile?: boolean; expected?: StoredStatus },
  ): Promise<StoredEdition>;
  /** Deleted editions that were archived, in id order. */
  archived(): Promise<DeletedEdition[]>;
  /**
   * Brings an archived edition back under its id: as a pilot when it is newer than the live one or there is none, else as
   * deprecated or skipped. Never live.
   * @throws D3Error notFound `EDITION_NOT_FOUND`, and as {@link insert}
   */
  restore(id: number, by: string): Promise<StoredEdition>;
  /**
   * Makes a live edition deprecated: its basename has no live one then.
   * @throws D3Error notFound `EDITION_NOT_FOUND`, refused `LIVE_CONFLICT` when it is not live any more
   */
  unlive(id: number, by: string): Promise<StoredEdition>;
  /** The hash of the file of each of these editions; those that are not there are left out. */
  files(ids: readonly number[]): Promise<{ id: number; sha256: string }[]>;
  /** How a basename is written, deleted editions included; null when there is none. @param basename in any case */
  basename(basename: string): Promise<string | null>;
  /** The highest revision ever used for a basename and version, deleted editions included; null when there was none. */
  highestRevision(basename: string, version: string): Promise<number | null>;
}

/** Body of any document: its schema names its kind and version, e.g. `d3/group@1`. */
export interface DocumentBody {
  schema: string;
  [property: string]: unknown;
}

/** Bodies of the kinds core registers. */
export interface DocumentBodies {
  group: GroupBody;
  category: CategoryBody;
  department: DepartmentBody;
  building: BuildingBody;
  site: SiteBody;
  ea: EaBody;
  computer: ComputerBody;
  'computer-ahead': ComputerAheadBody;
  script: ScriptBody;
  mirror: MirrorBody;
  policy: PolicyBody;
}

export interface StoredDocument<B> {
  kind: string;
  /** Unique among the documents of all kinds, never reused. */
  id: number;
  /** Unique within its kind without regard to case. */
  name: string;
  /** Grows by one with every change; the first is 1. */
  generation: number;
  body: B;
  changedAt: string;
  changedBy: string;
}

/**
 * Documents of one kind. Every write checks the body against the schema its owner registered.
 * @throws D3Error usage `DOCUMENT_INVALID`; refused `DOCUMENT_EXISTS`, `DOCUMENT_CONFLICT`, `SCHEMA_NEWER`; notFound `DOCUMENT_NOT_FOUND`
 */
export interface Documents<B> {
  get(id: number): Promise<StoredDocument<B> | null>;
  /** @param name in any case */
  byName(name: string): Promise<StoredDocument<B> | null>;
  /** In order of id. */
  list(): Promise<StoredDocument<B>[]>;
  create(name: string, body: B, by: string): Promise<StoredDocument<B>>;
  /** @param generation the one the caller saw; another one now means somebody else was faster: `DOCUMENT_CONFLICT` */
  update(id: number, generation: number, changes: { name?: string; body?: B }, by: string): Promise<StoredDocument<B>>;
  remove(id: number, generation: number, by: string): Promise<void>;
  history(id: number): Promise<HistoryEvent[]>;
}

export interface HistoryEvent {
  id: number;
  at: string;
  by: string;
  /** `edition.added`, `edition.edited`, `edition.live`, `edition.deleted`, `edition.archived`, `document.created`, … */
  what: string;
  target: HistoryTarget;
  before: unknown;
  after: unknown;
  /** Hash of the event before it. */
  prev: string;
  /** Of all it says and of `prev`: what is altered, removed or put in shows. */
  hash: string;
}

export interface HistoryTarget {
  /** `edition`, a document kind, or `depot` for its files. */
  kind: string;
  /** 0 for a computer, which has none but its name, its own id. */
  id: number;
  /** As it was called then. */
  name: string;
}

export interface HistoryFilter {
  /** Events of any of these. */
  targets?: readonly Pick<HistoryTarget, 'kind' | 'id'>[];
  kind?: string;
  id?: number;
  by?: string;
  what?: string;
  /** ISO 8601; this moment and later. */
  since?: string;
  /** The newest so many. */
  limit?: number;
}

export interface HistoryStore {
  /** Oldest first. */
  list(filter?: HistoryFilter): Promise<HistoryEvent[]>;
  /**
   * What has or ever had a name, without regard to case: documents and editions by name, editions also by id and basename.
   */
  targetsCalled(name: string): Promise<Pick<HistoryTarget, 'kind' | 'id'>[]>;
  /** Writes down a change that is no record's: what changes a record writes its event itself. */
  add(event: Pick<HistoryEvent, 'by' | 'what' | 'target' | 'before' | 'after'>): Promise<void>;
  /** What the depot knows of its chain of events. */
  chain(): Promise<HistoryChain>;
  /** Every event as it is stored, oldest first; read in pieces. */
  rows(): AsyncIterable<ChainedEvent>;
}

export interface HistoryChain {
  /** How many events were ever written. */
  events: number;
  /** Hash of the newest. */
  newest: string;
}

export interface Computer {
  /** Random id of the machine's state; all else is a claim. */
  id: string;
  name: string;
  claims: Report['computer']['claims'];
  os: Report['os'];
  cpu: string;
  /** Who sat there at its newest report; null when nobody did, or it was not said. */
  user: string | null;
  /** Version of its d3. */
  d3: string;
  firstContact: string;
  lastContact: string;
  /** Run of the newest report. */
  lastRun: string;
}

export interface ComputerStore {
  /**
   * Takes a report: the computer's record follows it, the report becomes its newest. A run already taken changes nothing.
   * @returns false when it was taken before
   */
  takeReport(report: Report): Promise<boolean>;
  /**
   * What admins said of a computer by its serial number, before anything was heard of it, becomes its record; what its record says by then stays.
   * @returns whether there was anything
   */
  takeOverAhead(computer: Report['computer']): Promise<boolean>;
  /** By name, then id. */
  list(): Promise<Computer[]>;
  /**
   * @param idOrName an id, or a name in any case
   * @throws D3Error refused `COMPUTER_AMBIGUOUS` naming the ids when several computers have the name
   */
  find(idOrName: string): Promise<Computer | null>;
  /** Receipts of the newest report; empty for an unknown computer. */
  receipts(id: string): Promise<ReportedReceipt[]>;
  /** Outcomes of the newest report. */
  outcomes(id: string): Promise<ReportedOutcome[]>;
  /** What waits for a restart by the newest report. */
  queue(id: string): Promise<ReportedQueued[]>;
  /**
   * The newest report of every computer that sent one, or of some, in order of their ids; read in pieces.
   * @param after only those of computers whose id comes after it
   */
  newestReports(ids?: readonly string[], after?: string): AsyncIterable<KeptReport>;
  /** Every basename with every edition of it that some computer has by its newest report. */
  namesInstalled(): Promise<{ basename: string; edition: string }[]>;
  /** What computers have by their newest reports: all of them or some, everything or some basenames. Read in pieces. */
  installedNames(limits: {
    ids?: readonly string[] | undefined;
    basenames?: readonly string[] | undefined;
  }): AsyncIterable<{ computer: string; basename: string; edition: string }>;
  /**
   * Takes a computer and its reports out, and revokes its key. One that is not enrolled comes back with its next report.
   * @throws D3Error notFound `COMPUTER_NOT_FOUND`
   */
  remove(id: string, by: string): Promise<void>;
  /** The newest reports, newest first; at most {@link REPORTS_KEPT}. */
  reports(id: string): Promise<KeptReport[]>;
  /**
   * What is installed on all computers, by their newest reports; by the computer's name, then by basename.
   * @throws D3Error refused `TOO_MANY_ROWS` above the filter's limit
   */
  installed(filter: InventoryFilter): Promise<InstalledSomewhere[]>;
  /** What waits for a restart on all computers; ordered and limited as {@link installed}. */
  queued(filter: InventoryFilter): Promise<QueuedSomewhere[]>;
  /** What failed or is held up; ordered and limited as {@link installed}. */
  problems(filter: Pick<InventoryFilter, 'basenames' | 'computers' | 'limit'>): Promise<ProblemSomewhere[]>;
  /** Whether any computer has it, or has it queued. */
  isReported(basename: string): Promise<boolean>;
}

/** A report once it was taken in: what the machine has now is kept apart, and only as of the newest. */
export type KeptReport = Omit<Report, 'receipts' | 'queue'>;

/** What of all computers' inventory is wanted; what is left out limits nothing. Empty lists match nothing. */
export interface InventoryFilter {
  /** As they are written in the catalog. */
  basenames?: readonly string[];
  /** Ids. */
  computers?: readonly string[];
  /** Statuses the editions have in the depot now. */
  statuses?: readonly Status[];
  /** Ids of editions that are in the depot but for their files. */
  missing?: readonly number[];
  piloting?: true;
  frozen?: true;
  /** Older than the live edition of the basename, or deprecated or skipped. */
  outdated?: true;
  /** Rows. */
  limit: number;
}

interface Somewhere {
  computer: { id: string; name: string; user: string | null };
  /** When the computer was last heard of, ISO 8601. */
  asOf: string;
}

export interface InstalledSomewhere extends Somewhere, ReportedReceipt {
  /** Of its edition in the depot now; `missing` also when the depot no longer has it. */
  status: Status;
}

export interface QueuedSomewhere extends Somewhere, ReportedQueued {
  status: Status;
}

export interface ProblemSomewhere extends Somewhere {
  /** A basename, or the words of the command line where they name none. */
  subject: string;
  edition: string | null;
  status: ProblemStatus;
  reason: string | null;
  /** Processes it waits for. */
  processes: string[];
  /** When it was said first and last, ISO 8601. */
  since: string;
  at: string;
}

export type ProblemStatus = Extract<ReportedOutcome['status'], 'failed' | 'blocked' | 'held' | 'interrupted'>;

/** Computers that have an edition, by their newest reports. */
export interface EditionCount {
  basename: string;
  id: number;
  edition: string;
  computers: number;
  /** Those that have it as a pilot, and frozen. */
  piloting: number;
  frozen: number;
}

/** Computers where an edition waits for a restart. */
export type QueueCount = Pick<EditionCount, 'basename' | 'id' | 'computers'>;

/** Computers that said the same of the same thing. */
export interface ProblemCount
  extends Pick<ProblemSomewhere, 'subject' | 'edition' | 'status' | 'reason' | 'processes'> {
  /** When the first of them said so, ISO 8601. */
  since: string;
  computers: number;
}

/** How much a computer has of everything. */
export interface ComputerCounts {
  receipts: number;
  queued: number;
  /** Failed or cut. */
  failed: number;
  /** Blocked, or held up by a program that runs. */
  blocked: number;
}

/** Sums over all computers, by their newest reports. */
export interface OverviewStore {
  /** By basename, oldest first. */
  editions(): Promise<EditionCount[]>;
  /** By basename, oldest first. */
  queues(): Promise<QueueCount[]>;
  /** The most common first; at most so many. */
  problems(limit: number): Promise<ProblemCount[]>;
  /** By computer; one without anything is left out. */
  computers(): Promise<Map<string, ComputerCounts>>;
  /** How many computers were heard of at each of these moments or later. */
  contacts(moments: readonly string[]): Promise<number[]>;
}

/** Reports kept for each computer. */
export const REPORTS_KEPT = 10;

/** What the last publication was, as the store recorded it. */
export interface PublicationRecord {
  /** The store's generation it shows; -1: not known, where a depot was brought back and nobody has signed its targets anew. */
  generation: number;
  /** Version of the root, targets, snapshot and timestamp metadata. */
  versions: { root: number; targets: number; snapshot: number; timestamp: number };
  /** SHA-256 of the catalog's bytes. */
  catalogSha256: string;
  at: string;
  /** When the first of its metadata files expires. */
  expires: string;
  /** When each of them does; absent in records of older d3s. */
  expiries?: Record<'root' | 'targets' | 'snapshot' | 'timestamp', string>;
  /** Days snapshot and timestamp were made good for. */
  days?: number;
}

/** What smart groups ask of the depot's own records. */
export interface PublishedRecords {
  computers: StoredDocument<ComputerBody>[];
  eas: StoredDocument<EaBody>[];
  /** Departments, buildings and sites. */
  places: StoredDocument<DepartmentBody | BuildingBody | SiteBody>[];
}

/** What a publication is made from, read in the exclusive section. */
export interface PublicationInput {
  /** Grows with every change of what the catalog shows. */
  generation: number;
  editions: StoredEdition[];
  groups: StoredDocument<GroupBody>[];
  mirrors: StoredDocument<MirrorBody>[];
  policies: StoredDocument<PolicyBody>[];
  records: PublishedRecords;
  /** The newest event of the history. */
  anchor: Anchor;
  last: PublicationRecord | null;
}

export interface PublicationStore {
  generation(): Promise<number>;
  last(): Promise<PublicationRecord | null>;
  /**
   * Runs `work` while no other process changes or publishes this depot and records what it published.
   * `work` must not call the store. A record with a generation above the input's raises the store's.
   * @param work returns null when nothing had to be published
   */
  exclusively(work: (input: PublicationInput) => Promise<PublicationRecord | null>): Promise<PublicationRecord | null>;
}

export interface NewToken {
  /** Who acts by it, in history. */
  name: string;
  role: Role;
  /** The one computer a technician may ask about; null for all other roles. */
  computer: string | null;
  /** ISO 8601; null: it does not. */
  expiresAt: string | null;
}

/** What is known of a token; never its secret. */
export interface Token extends NewToken {
  id: number;
  createdAt: string;
  createdBy: string;
  revokedAt: string | null;
  revokedBy: string | null;
  /** To the minute. */
  lastUsedAt: string | null;
}

/** Who asks, by the secret they have. */
export interface KnownToken {
  id: number;
  name: string;
  /** `machine`: the key of an enrolled computer. */
  role: Role | 'machine';
  computer: string | null;
}

/** That somebody was heard of. */
export interface Contact {
  token: number;
  /** Whose key it is; null for a person's token. */
  computer: string | null;
  /** ISO 8601. */
  at: string;
}

/** Tokens of people, and keys of enrolled computers. Only hashes of their secrets are kept. */
export interface TokenStore {
  /**
   * @returns the secret, this once
   * @throws D3Error usage `TOKEN_INVALID`, refused `TOKEN_EXISTS`
   */
  add(token: NewToken, by: string): Promise<{ token: Token; secret: string }>;
  /** Those of people, revoked ones too; by name. */
  list(): Promise<Token[]>;
  /** From now on it opens nothing. @throws D3Error notFound `TOKEN_NOT_FOUND` */
  revoke(name: string, by: string): Promise<Token>;
  /** Who has this secret; null when nobody, or when it is revoked or expired. */
  known(secret: string): Promise<KnownToken | null>;
  /** Writes down who was heard of, all at once. */
  contacted(contacts: readonly Contact[]): Promise<void>;
}

/** Who is signed in on the page. Only hashes of what their browsers have are kept. */
export interface PageSessionStore {
  /**
   * Signs somebody in; sessions that are over are forgotten.
   * @param token whose it is: it ends with it
   * @returns the secret for the browser, this once
   */
  open(token: number, expiresAt: string): Promise<string>;
  /** Whose session this is; null when nobody's, or when it or its token is over. */
  known(secret: string): Promise<(KnownToken & { sessionEnds: string }) | null>;
  /** From now on it opens nothing; what nobody has changes nothing. */
  close(secret: string): Promise<void>;
}

export interface NewEnrolmentCode {
  /** `once`: for one machine. `site`: for any number of new ones. */
  kind: 'once' | 'site';
  /** What it is for, in an admin's words. */
  note: string;
  /** ISO 8601. */
  expiresAt: string;
}

export interface EnrolmentCode extends NewEnrolmentCode {
  id: number;
  createdAt: string;
  createdBy: string;
  revokedAt: string | null;
  uses: number;
  lastUsedAt: string | null;
}

/** A machine that wants to belong to the depot. */
export interface EnrolmentRequest {
  code: string;
  /** SHA-256 of the key it made for itself. */
  keyHash: string;
  computer: { id: string; name: string; claims: Claims };
}

/** What became of a request. */
export interface Enrolled {
  state: 'enrolled' | 'pending';
  enrolment: number;
  /** The record it has from now on: its own id, or that of the computer it is known as; null while it waits. */
  computer: string | null;
}

export interface Enrolment {
  id: number;
  /** Number of the code it came with. */
  code: number;
  state: 'pending' | 'enrolled' | 'refused';
  computer: { id: string; name: string; claims: Claims };
  /** Ids of the computers it may be. */
  knownAs: string[];
  became: string | null;
  at: string;
  decidedAt: string | null;
  decidedBy: string | null;
}

/**
 * Enrolment of machines. A new one needs a code. One that is known, by its id or a claim, gets its record back with a
 * one-time code or when an admin approves, and the key it had before is revoked.
 */
export interface EnrolmentStore {
  /** @returns the code itself, this once. @throws D3Error usage `CODE_INVALID` */
  addCode(code: NewEnrolmentCode, by: string): Promise<{ code: EnrolmentCode; secret: string }>;
  codes(): Promise<EnrolmentCode[]>;
  /** @throws D3Error notFound `CODE_NOT_FOUND` */
  revokeCode(id: number, by: string): Promise<EnrolmentCode>;
  /** The newest, oldest of them first. */
  list(): Promise<Enrolment[]>;
  /**
   * Takes a request; the same key asked for again gets the same answer.
   * @throws D3Error notAuthorised `CODE_UNKNOWN`, `CODE_NOT_GOOD`, `ENROLMENT_REFUSED`
   */
  enrol(request: EnrolmentRequest): Promise<Enrolled>;
  /**
   * @param as which computer it is, where several may be meant; null: the only one
   * @throws D3Error notFound `ENROLMENT_NOT_FOUND`, refused `ENROLMENT_DECIDED`, `ENROLMENT_AMBIGUOUS`, `ENROLMENT_OTHER`
   */
  approve(id: number, as: string | null, by: string): Promise<Enrolment>;
  refuse(id: number, by: string): Promise<Enrolment>;
}
