import type { Generated } from 'kysely';

/**
 * The tables as Kysely sees them. Bodies are JSON text, times ISO 8601 text, booleans 0 or 1: the same on every database.
 * Whole numbers are numbers: a driver that answers `bigint` columns with text has to be told so.
 */
export interface Tables {
  depot: DepotTable;
  editions: EditionTable;
  deleted_editions: DeletedEditionTable;
  documents: DocumentTable;
  events: EventTable;
  computers: ComputerTable;
  reports: ReportTable;
  runs: RunTable;
  run_lines: RunLineTable;
  computer_receipts: ComputerReceiptTable;
  computer_queue: ComputerQueueTable;
  computer_problems: ComputerProblemTable;
  computer_claims: ComputerClaimTable;
  tokens: TokenTable;
  enrolment_codes: EnrolmentCodeTable;
  enrolments: EnrolmentTable;
  page_sessions: PageSessionTable;
}

/** One row. */
interface DepotTable {
  one: number;
  schema_version: number;
  generation: number;
  /** JSON of a PublicationRecord. */
  published: string | null;
  /** Which depot this is: a random id that goes with it from database to database. */
  identity: string | null;
  /** What it is in the middle of being filled by, in words; null: it is whole. */
  unfinished: string | null;
  /** Events ever written. */
  events: Generated<number>;
  /** Hash of the newest. */
  newest_event: Generated<string>;
}

export interface EditionColumns {
  basename: string;
  version: string;
  revision: number;
  edition: string;
  status: string;
  /** JSON, schema d3/edition@1: everything without a column. */
  body: string;
  added_at: string;
  added_by: string;
  released_at: string | null;
  released_by: string | null;
}

export interface EditionTable extends EditionColumns {
  id: Generated<number>;
}

interface DeletedEditionTable extends EditionColumns {
  id: number;
  deleted_at: string;
  deleted_by: string;
  archived: number;
  file_kept: number;
}

export interface DocumentTable {
  id: Generated<number>;
  kind: string;
  name: string;
  /** The name without regard to case. */
  name_key: string;
  generation: number;
  body: string;
  changed_at: string;
  changed_by: string;
}

interface EventTable {
  id: Generated<number>;
  at: string;
  by: string;
  what: string;
  target_kind: string;
  target_id: number;
  target_name: string;
  /** The name without regard to case. */
  target_key: string;
  before: string | null;
  after: string | null;
  /** Hash of the event before, and of all this one says with it. */
  prev: string;
  hash: string;
}

export interface ComputerTable {
  id: string;
  name: string;
  name_key: string;
  claims: string;
  os: string;
  cpu: string;
  d3: string;
  first_contact: string;
  last_contact: string;
  last_run: string;
  /** Who sat there at the newest report. */
  user_name: string | null;
}

interface ReportTable {
  id: Generated<number>;
  computer_id: string;
  run: string;
  at: string;
  body: string;
}

export interface RunTable {
  id: string;
  created_at: string;
  is_over: number;
  generation: number;
  /** JSON, schema d3/step-run@1. */
  body: string;
  /** The run it belongs to. */
  parent: string | null;
  /** ISO 8601: then it is to be advanced; null: not by itself. */
  ready_at: string | null;
  /** JSON of what is told of it among many. */
  brief: string;
}

interface RunLineTable {
  id: Generated<number>;
  run: string;
  at: string;
  step: number | null;
  text: string;
}

/** What a computer has by its newest report: one row a basename, so that all computers can be asked at once. */
export interface ComputerReceiptTable {
  computer_id: string;
  basename: string;
  edition_id: number;
  edition: string;
  version: string;
  revision: number;
  piloting: number;
  frozen: number;
  frozen_by: string | null;
  frozen_at: string | null;
  admin: string;
  installed_at: string;
  manual: number | null;
  gone_since: string | null;
  attention: string | null;
}

/** What waits for a restart there by its newest report. */
export interface ComputerQueueTable {
  computer_id: string;
  basename: string;
  edition_id: number;
  edition: string;
  version: string;
  revision: number;
  piloting: number;
  admin: string;
  custom_expiration: number | null;
  queued_at: string;
}

/** What failed or is held up there and has not come right since. */
export interface ComputerProblemTable {
  computer_id: string;
  /** The basename, or the words of the command line where they name none. */
  subject: string;
  edition: string | null;
  status: string;
  reason: string | null;
  /** JSON list of the processes it waits for. */
  processes: string | null;
  /** When it was said first and last. */
  since: string;
  at: string;
}

/** By what a computer is known again, from its reports and its enrolment. */
interface ComputerClaimTable {
  computer_id: string;
  kind: string;
  value: string;
}

/** Tokens of people, and the keys of enrolled computers. */
export interface TokenTable {
  id: Generated<number>;
  name: string;
  name_key: string;
  role: string;
  /** The computer it is of, or that a technician may ask about. */
  computer_id: string | null;
  /** SHA-256 of the secret. */
  hash: string;
  created_at: string;
  created_by: string;
  expires_at: string | null;
  revoked_at: string | null;
  revoked_by: string | null;
  last_used_at: string | null;
}

/** Who is signed in on the page. */
interface PageSessionTable {
  /** SHA-256 of what the browser has. */
  hash: string;
  token_id: number;
  created_at: string;
  expires_at: string;
}

export interface EnrolmentCodeTable {
  id: Generated<number>;
  kind: string;
  note: string;
  hash: string;
  created_at: string;
  created_by: string;
  expires_at: string;
  revoked_at: string | null;
  uses: number;
  last_used_at: string | null;
}

export interface EnrolmentTable {
  id: Generated<number>;
  code_id: number;
  state: string;
  /** The id the machine has itself. */
  computer_id: string;
  name: string;
  /** JSON. */
  claims: string;
  /** SHA-256 of the key it made for itself. */
  key_hash: string;
  /** JSON list of the computers it may be. */
  known_as: string;
  /** The record it was given; null while nothing is decided. */
  became: string | null;
  at: string;
  decided_at: string | null;
  decided_by: string | null;
}
