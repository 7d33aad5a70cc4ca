import type { D3Error } from './errors.ts';
import type { Json } from './events.ts';
import type { Decision, RunHere, StepToRun } from './ports.ts';

/** A script as an edition runs it: by its content. */
interface EditionScript {
  /** Id of the script document. */
  id: number;
  name: string;
  /** Lower-case hex; names its blob. */
  sha256: string;
  /** Bytes. */
  size: number;
}

/** An edition as the depot has it. */
export interface DepotEdition {
  id: number;
  basename: string;
  version: string;
  revision: number;
  /** `basename-version-revision`; compared whole. */
  edition: string;
  /** `missing`: its file is gone. */
  status: 'pilot' | 'live' | 'deprecated' | 'skipped' | 'missing';
  /** Display name. */
  packageName: string;
  category: string | null;
  description: string;
  /** OS limits, any of which suffices: `>=10.9.5`, `10.9.x`, `13`, `debian 12`. Empty: no limit. */
  oses: readonly string[];
  cpu: 'x86_64' | 'arm64' | null;
  /** Needs a restart after installing. */
  reboot: boolean;
  removable: boolean;
  preInstall: EditionScript | null;
  postInstall: EditionScript | null;
  preRemove: EditionScript | null;
  postRemove: EditionScript | null;
  file: {
    /** As machines and admins see it. No two editions have the same. */
    name: string;
    /** Lower-case hex; names its blob. */
    sha256: string;
    /** Bytes. */
    size: number;
    format: 'pkg' | 'dmg' | 'deb';
  };
  /** The Apple packages in its file. */
  applePackages: readonly { id: string; version: string }[];
  /** ISO 8601, UTC. */
  addedAt: string;
  addedBy: string;
}

/** A computer as the depot knows it by its reports. */
export interface DepotComputer {
  /** Random id of the machine's own state. */
  id: string;
  /** As it calls itself. */
  name: string;
  claims: { serial: string | null; hardwareUuid: string | null; macs: readonly string[] };
  /** ISO 8601, UTC. */
  lastContact: string;
}

/** Body of any document: its schema names its kind and version, `d3/group@1` for one. */
export interface DocumentBody {
  schema: string;
  [property: string]: Json;
}

export interface DepotDocument {
  /** Unique among the documents of all kinds, never reused. */
  id: number;
  /** Unique within its kind without regard to case. */
  name: string;
  /** Grows by one with every change; the first is 1. */
  generation: number;
  body: DocumentBody;
  /** ISO 8601, UTC. */
  changedAt: string;
  changedBy: string;
}

/**
 * Documents of one kind. Every write checks the body against the schema its owner registered, and is in the history.
 * @throws D3Error usage `DOCUMENT_INVALID`; refused `DOCUMENT_EXISTS`, `DOCUMENT_CONFLICT`, `SCHEMA_NEWER`; notFound `DOCUMENT_NOT_FOUND`
 */
export interface DocumentsPort {
  get(id: number): Promise<DepotDocument | null>;
  /** @param name in any case */
  byName(name: string): Promise<DepotDocument | null>;
  /** In order of id. */
  list(): Promise<readonly DepotDocument[]>;
  create(name: string, body: DocumentBody): Promise<DepotDocument>;
  /** @param generation the one the caller saw; another one now means somebody else was faster: `DOCUMENT_CONFLICT` */
  update(id: number, generation: number, changes: { name?: string; body?: DocumentBody }): Promise<DepotDocument>;
  remove(id: number, generation: number): Promise<void>;
}

/** A kind of document that a plugin brings, as its package.json declares it under `oclif.d3.documents`. */
export interface DocumentDeclaration {
  /** `[a-z][a-z0-9-]*`; none of d3's own. */
  kind: string;
  /** N of `d3/<kind>@N` as this plugin writes it; bodies of N − 1 are still read. */
  version: number;
  /** The rank it takes to change one on a served depot. */
  writers: 'viewer' | 'packager' | 'releaser' | 'admin';
  /** JSON Schema (draft-07) of a body. */
  schema: { readonly [key: string]: Json };
}

/** What came of reports that were handed over. */
export interface ReportsTaken {
  /** Those that were not known. */
  taken: number;
  /** Those taken in before. */
  known: number;
  /** What was no report, and why. */
  rejected: readonly { file: string; why: string }[];
}

/** A run of the depot in short: what is told of each of very many. */
export interface DepotRunBrief {
  id: string;
  /** The run it belongs to; null when it stands by itself. */
  parent: string | null;
  name: string;
  state: RunHere['state'];
  /** Why it waits or holds, or how it ended; else what its step said last. */
  text: string;
  /** Place of the step whose turn it is, how many there are, and what that one is called; null when all had theirs. */
  cursor: number;
  steps: number;
  step: string | null;
  /** ISO 8601, UTC. */
  createdAt: string;
  endedAt: string | null;
  /** Who ended it before it was done; null unless somebody did. */
  cancel: Decision | null;
}

/**
 * Runs of kind `deployment` that the depot keeps: any number of workers (`d3 run worker`) on as many hosts as reach it share them. A
 * run that waits to look again is let go of meanwhile. Whoever acts is the port's `by`.
 */
export interface DepotRunsPort {
  /**
   * Makes a run known; a worker takes it up.
   * @param run `id`: the caller's, so that it can be written down before; `parent`: the run it belongs to
   * @throws D3Error refused `RUN_EXISTS`; usage for steps that cannot be run
   */
  create(run: { id: string; name: string; parent: string | null; steps: readonly StepToRun[] }): Promise<void>;
  /** @returns null when there is none, or it is none of these */
  get(id: string): Promise<RunHere | null>;
  /** Those that belong to one, by their ids. */
  family(parent: string): Promise<readonly DepotRunBrief[]>;
  /** @throws D3Error refused, busy, as `d3 run retry`, `resume`, `skip` and `cancel` */
  retry(id: string): Promise<RunHere>;
  resume(id: string): Promise<RunHere>;
  skip(id: string, why: string): Promise<RunHere>;
  cancel(id: string, why: string): Promise<RunHere>;
  /** Has a step that waits run again at once. @returns whether one waited */
  hurry(id: string): Promise<boolean>;
  /** What it said, the newest last. @param after only lines with a higher id */
  log(id: string, after?: number): Promise<readonly { id: number; at: string; step: number | null; text: string }[]>;
  /**
   * Advances a run and those that belong to it, with whoever else does, until it is over, holds or waits for something else.
   * @param how `abreast`: how many at the same time
   */
  work(id: string, how: { abreast: number }): Promise<void>;
}

/** A depot, for whoever administers it: in its folder on this host, or over the network. */
export interface AdminPort {
  /** Its folder or its address, for messages. */
  readonly location: string;
  /** The admin who acts: in the history of all that is changed. */
  readonly by: string;
  /** Whether it is in a folder of this host. */
  readonly isHere: boolean;
  /** @param kind one of d3's own (`group`, `script`, `category`, …), or one a plugin brings */
  documents(kind: string): DocumentsPort;
  readonly runs: DepotRunsPort;
  /** All editions, oldest first. */
  editions(): Promise<readonly DepotEdition[]>;
  /**
   * Adds an edition as a pilot, as `d3admin add` does.
   * @param request `typed`: its attributes as they would be typed, by their names in `d3admin`'s menus (`packageName`, `oses`);
   *   `source`: path of a package file
   * @throws D3Error, D3Errors as `d3admin add`
   */
  add(request: {
    basename: string;
    typed: Readonly<Record<string, string>>;
    source: string;
  }): Promise<{ edition: DepotEdition; warnings: readonly string[] }>;
  /**
   * What stands against adding each of several editions, all of it, as far as it can be told without their files. Nothing is changed.
   * @param wanted `typed`: with a version
   * @returns for each its problems, none where nothing stands against it
   */
  problems(
    wanted: readonly { basename: string; typed: Readonly<Record<string, string>> }[],
  ): Promise<readonly (readonly D3Error[])[]>;
  /**
   * Changes attributes of an edition, all or none, as `d3admin edit` does.
   * @returns `changed`: names of what changed; empty when everything was so already
   */
  edit(
    edition: string,
    typed: Readonly<Record<string, string>>,
  ): Promise<{ edition: DepotEdition; changed: readonly string[]; warnings: readonly string[] }>;
  /**
   * A folder of this host for files on their way into the depot, which only its owner enters (0700). What is in it stays
   * until the plugin removes it.
   * @param name `[a-z][a-z0-9-]*`, which no other plugin uses
   */
  room(name: string): Promise<string>;
  /** All computers that ever sent a report. */
  computers(): Promise<readonly DepotComputer[]>;
  /** What computers last said of their provisioning, by their ids: `state`, `build` and whatever else their plugins know. */
  provisioning(): Promise<Readonly<Record<string, Readonly<Record<string, string>>>>>;
  /** Works on a file with a blob's bytes, which is there as long as the work goes on and is only to be read. */
  withFile<Result>(sha256: string, work: (path: string) => Promise<Result>): Promise<Result>;
  /** A blob's bytes, checked. @throws D3Error notFound, verificationFailed */
  read(sha256: string): Promise<Buffer>;
  /** Stores bytes, or a file's. Repeating it changes nothing. @param source path of a regular file, or bytes */
  put(source: string | Buffer): Promise<{ sha256: string; size: number }>;
  /**
   * Takes in the reports in a text: what `d3 ea report` printed, in whatever an inventory exported.
   * @throws D3Error refused where the depot is not in a folder of this host
   */
  takeReports(text: string): Promise<ReportsTaken>;
  /** Shows machines what was changed through documents; adding and editing do so by themselves. */
  publish(): Promise<void>;
}
