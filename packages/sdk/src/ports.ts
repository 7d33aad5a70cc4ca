import type { Json, PlanReceipt } from './events.ts';
import type { Reporter } from './progress.ts';
import type { ChoicesAnswer, ProvisionedAnswer, ProvisioningChange, ProvisioningLogin } from './provisioning.ts';

/**
 * The plugin's own settings. It declares them in its package.json (`oclif.d3.settings`); where their values may come from is d3's
 * matter: defaults, the ancestor's files, d3's own file, managed preferences on top.
 */
export interface SettingsPort {
  /**
   * All of them, by name as it was declared (`puppytime.title`); what nobody set is its default.
   * @throws D3Error usage when anything in the configuration is wrong
   */
  all(): Promise<Readonly<Record<string, Json>>>;
}

/** One setting, as a plugin's package.json declares it. */
export interface SettingDeclaration {
  /** `{"from": 1, "to": 60}` is a whole number within these bounds; a path is absolute. */
  kind: 'text' | 'list' | 'path' | { oneOf: readonly string[] } | { from: number; to: number };
  /** Null, or left out: nothing. */
  default?: Json;
  description: string;
  /** The ancestor's key that becomes this setting, and how: `true` and `false` become the words `[true, false]`. */
  ancestor?: string | { key: string; words: readonly [string, string] };
}

/** What became of a policy, or of all of an event together. */
export interface PolicyRun {
  /**
   * `absent`: there is none by that name. `skipped`: it is not for this machine, or not due. `failed`: it did not do its work.
   * `ran`: it did, or it goes on after a restart it began.
   */
  state: 'absent' | 'skipped' | 'failed' | 'ran';
  /** In words, for a warning. */
  text: string;
  /** What a run of it waits for, if it is not over: then it goes on later, and is not failed. */
  waits?: 'restart' | 'person';
}

export interface PoliciesPort {
  /**
   * Runs a policy by its id, its name or an event, as `d3 policy` does: plugins are asked first. It never throws but for a signal.
   * Not to be called while a run holds the lock of the machine: in `d3:facts`, `d3:plan`, gates and what comes after installs.
   * @param environment what its scripts see besides what all see
   * @param within the step this is done for: when the step is run again after a cut, what was done in it is not done twice.
   *   `round`: for a step that does the same again on purpose; what was done in one round is done anew in another
   */
  run(
    word: string,
    environment: Readonly<Record<string, string>>,
    within?: { run: string; index: number; round?: number },
  ): Promise<PolicyRun>;
}

/** A step of a run that a plugin starts, as a policy has it. */
export type StepToRun = {
  /** One of d3's kinds, or one that a plugin brings. */
  kind: string;
  args: { readonly [key: string]: Json };
  name?: string;
  /** Seconds. */
  timeout?: number;
  /** How often it is tried again when it fails. */
  retries?: number;
  required?: boolean;
  onFailure?: 'continue' | 'hold' | 'stop';
};

/** A step of a run, with what became of it. */
export interface StepHere {
  name: string;
  kind: string;
  args: { readonly [key: string]: Json };
  state: 'pending' | 'started' | 'done' | 'failed' | 'skipped';
  required: boolean;
  attempts: number;
  /** ISO 8601, UTC; null while it was not begun, or is not over. */
  startedAt: string | null;
  endedAt: string | null;
  /** What came of it, or what it waits for. */
  text: string;
  /** ISO 8601: not before then it is run again; null: it waits for no time. */
  notBefore: string | null;
  /** Who left it out, and why; null unless it was. */
  skipped: Decision | null;
}

/** Who decided something about a run, when and why. */
export type Decision = {
  by: string;
  /** ISO 8601, UTC. */
  at: string;
  why: string;
};

/** A run of steps that a plugin started. */
export interface RunHere {
  id: string;
  name: string;
  /** `waiting`: for a restart. `holding`: for a person. The last three are ends. */
  state: 'running' | 'waiting' | 'holding' | 'done' | 'failed' | 'cancelled';
  /** Why it waits or holds, or how it ended. */
  text: string;
  /** The exit code it stands for. */
  exit: number;
  /** Whether somebody advances it now. */
  isAdvanced: boolean;
  by: string;
  /** ISO 8601, UTC. */
  createdAt: string;
  endedAt: string | null;
  /** Place of the step whose turn it is. */
  cursor: number;
  steps: readonly StepHere[];
  cancel: Decision | null;
}

/**
 * Runs of steps of kind `provisioning` on this machine. A run is safe to cut at any moment, one process at a time advances it, and
 * `d3 run resume --all` goes on with it at every start of the machine.
 */
export interface RunsPort {
  /**
   * Makes a run known; nothing of it is done yet.
   * @param run `id`: the caller's, so that it can be written down before
   * @throws D3Error refused `RUN_EXISTS`; usage for steps that cannot be run
   */
  create(run: { id: string; name: string; by: string; steps: readonly StepToRun[] }): Promise<RunHere>;
  /** @returns null when there is none, or it is none of these */
  get(id: string): Promise<RunHere | null>;
  /** The newest first. */
  list(): Promise<readonly RunHere[]>;
  /**
   * Advances it until it is over, holds, or waits for a restart. One that holds is taken up again: its step is asked first.
   * @param stays whether it also stays while a step waits to be run again; else the run is left at the first such wait
   * @throws D3Error busy `RUN_HELD` when somebody else advances it
   */
  advance(id: string, options: { stays: boolean; by: string }): Promise<RunHere>;
  /** @throws D3Error refused, busy, as `d3 run retry`, `skip` and `cancel` */
  retry(id: string, by: string): Promise<RunHere>;
  skip(id: string, by: string, why: string): Promise<RunHere>;
  cancel(id: string, by: string, why: string): Promise<RunHere>;
  /** Has a step that waits run again at once. @returns whether one waited */
  hurry(id: string): Promise<boolean>;
  /** What it said, the newest last. */
  log(id: string): Promise<readonly { at: string; step: number | null; text: string }[]>;
}

/** What admins of the depot say of this machine, by names. */
export interface MachineRecord {
  name: string | null;
  department: string | null;
  building: string | null;
  site: string | null;
  /** Values of extension attributes by their names. */
  attributes: Readonly<Record<string, string>>;
}

export interface MachinePort {
  /** What it is now. `computer`: the random id of its state, null before its first run; `groups`: the depot's, by name. */
  facts(): Promise<{
    computer: string | null;
    name: string;
    serial: string | null;
    hardwareUuid: string | null;
    model: string | null;
    os: { name: string; version: string };
    user: string | null;
    groups: readonly string[];
  }>;
  /**
   * What is said of it: by whoever answers `d3:provisioning`, else by the depot; null: nothing.
   * @throws D3Error depotUnreachable (20), verificationFailed (33), usage `NO_DEPOT`
   */
  record(): Promise<MachineRecord | null>;
  /** Gives it another name. @returns false where there is nothing to name: a root folder */
  rename(name: string): Promise<boolean>;
  /** Tells the depot now what the machine is and has: one report, as every run sends. Its trouble is told by `ui`. */
  report(): Promise<void>;
}

/** One thing a sync has to do. */
export interface PendingChange {
  target: string;
  edition: string | null;
  action: string;
}

/** Whoever keeps the records of machines elsewhere than in the depot: the plugin that answers `d3:provisioning`, asked about this machine. */
export interface ProvisioningPort {
  /**
   * Each is null where nobody keeps them elsewhere.
   * @param login whose account asks; null: what is kept on this machine. It is never written down
   * @throws D3Error notAuthorised for an account that is refused, refused for what may not be written, depotUnreachable
   */
  resolve(login: ProvisioningLogin | null): Promise<ProvisionedAnswer | null>;
  /** The computer of that name, whichever it is; one that has it alone. */
  named(name: string, login: ProvisioningLogin | null): Promise<ProvisionedAnswer | null>;
  choices(login: ProvisioningLogin | null): Promise<ChoicesAnswer | null>;
  /** All of it or nothing, read back. */
  write(change: ProvisioningChange, login: ProvisioningLogin | null): Promise<ProvisionedAnswer | null>;
  /** Tells everybody who hears of it how the deployment stands (`d3:provisioning:state`); their trouble is a warning. */
  stands(state: string): Promise<void>;
}

export interface SyncPort {
  /** What a sync would do now, with what waits for a restart: empty when the machine is as its depot wants it. */
  pending(): Promise<readonly PendingChange[]>;
  /**
   * Syncs, with what would else wait for a restart.
   * @returns `restart`: editions that were installed and need one; `failed`: what did not come about, with why
   */
  run(by: string): Promise<{
    exit: number;
    restart: readonly string[];
    failed: readonly { target: string; text: string }[];
    done: readonly string[];
  }>;
}

/** An install that waits for a restart. The list is core's. */
export interface QueuedEdition {
  basename: string;
  edition: string;
  /** ISO 8601, UTC. */
  queuedAt: string;
  admin: string;
  /** Days; null: the edition's own. */
  customExpiration: number | null;
  /** How often it was tried in vain. */
  attempts: number;
  /** Why the last try failed; null when there was none. */
  lastFailure: string | null;
  /** Whether its file is here in full size, so that no network is needed; it is hashed again when it is installed. */
  fetched: boolean;
}

/** How the install of a queued edition ended. */
export interface QueuedInstall {
  edition: string;
  /** `held`: something of this machine stands against it for now (a process that runs); it was not tried. */
  status: 'installed' | 'held' | 'failed';
  /** Why, in words. */
  text: string;
  /** Whether the machine has to be restarted because of it. */
  restart: boolean;
}

export interface QueuedInstallOptions {
  /** What its scripts see besides what all see. */
  environment: Readonly<Record<string, string>>;
  /** Told what happens, in place of the context's `ui`. */
  ui?: Reporter;
}

export interface QueuePort {
  /** What waits, by basename. */
  list(): Promise<readonly QueuedEdition[]>;
  /**
   * Installs one that waits, as it was asked for when it was queued; it leaves the queue when it is installed. A failure is an answer,
   * and counted; only a signal and a bug are thrown.
   */
  install(edition: string, options: QueuedInstallOptions): Promise<QueuedInstall>;
  /** Takes one off the queue after too many failures; the report has it as failed, with the reason. */
  giveUp(basename: string, reason: string): Promise<void>;
}

export interface SessionPort {
  /** Who sits at the machine now; null at the login window, or where it cannot be known. */
  user(): Promise<string | null>;
}

export interface PowerPort {
  /** Stands for the time since the machine was started: another one after each start; null when it cannot be known. */
  bootId(): Promise<string | null>;
  /** Null where there is no battery, or nothing is known of it. */
  battery(): Promise<{ charging: boolean; percent: number } | null>;
  /** Has the machine restarted. @returns false where there is nothing to restart: a root folder */
  restart(): Promise<boolean>;
  /** Keeps the machine from going to sleep while work is done, also when d3 is killed meanwhile: then no longer. */
  awake<Result>(work: () => Promise<Result>): Promise<Result>;
}

/** The machine's system: its time, and what is at work on it besides d3. */
export interface SystemPort {
  /** What the clock says, held against what is known of the time: the depot's signatures, its host, when this d3 was built. */
  clock(): Promise<ClockHere>;
  /** Has the machine's own time service set the clock. */
  setClock(): Promise<{ set: boolean; text: string }>;
  /** What updates the system at the moment, or at its next start, in words; null: nothing does. */
  updating(): Promise<string | null>;
  /** What installs packages at the moment besides d3, in words; null: nothing does. */
  installing(): Promise<string | null>;
}

export interface ClockHere {
  /** ISO 8601, UTC: what the clock says. */
  now: string;
  verdict: 'right' | 'behind' | 'ahead';
  /** Whether it is wrong for certain: it says a time that is past. What a host says of the time may itself be wrong. */
  certain: boolean;
  /** In words; empty where nothing is said against it. */
  text: string;
}

/** A file that somebody else may have put there to do harm. */
export interface HostileFile {
  bytes: Buffer;
  /** Who owns it. */
  uid: number;
  /** The lowest twelve bits. */
  mode: number;
  modifiedAt: Date;
}

export interface FilesPort {
  /** Absolute path of the plugin's own folder on the machine, 0700; made when something is written there. */
  readonly folder: string;
  /**
   * Names of the plain files in a folder, sorted; empty when it is not there. No link is followed on the way.
   * @param folder absolute within the root
   */
  list(folder: string): Promise<readonly string[]>;
  /**
   * A plain file's bytes. No link is followed, on the way or at its end, no pipe waited for, nothing read beyond the bound.
   * @param file absolute within the root
   * @returns null when there is none, or what is there is no plain file, or is too large
   */
  read(file: string, maxBytes: number): Promise<HostileFile | null>;
  /**
   * Makes an empty file in a folder that is there, for others to see; one that is there stays as it is. No link is followed.
   * @param file absolute within the root
   * @returns false where there is no such folder
   */
  mark(file: string): Promise<boolean>;
  /** Takes away a file that is empty; one with something in it is somebody else's. */
  unmark(file: string): Promise<void>;
  /** Writes a file of the plugin's own folder whole or not at all. @param name without folders */
  write(name: string, content: string): Promise<void>;
  /**
   * Changes a text file of the system, whole or not at all. No link is followed, on the way or at its end; owner and mode stay.
   * What is made belongs to whoever the folder belongs to that it is made in.
   * @param file absolute within the root
   * @param change gets the text, null where there is no file; null takes the file away
   * @param options `mode`: of a file that is made; `folders`: of folders that are missing on the way, else they have to be there
   * @returns whether anything changed
   * @throws D3Error refused `FILE_NOT_EDITED` for what is no plain file, or lies behind a link
   */
  edit(
    file: string,
    change: (text: string | null) => string | null,
    options: { mode: number; folders?: number },
  ): Promise<boolean>;
}

/** A program that runs on the machine. */
export interface ProcessHere {
  /** Absolute path of its executable; null where it cannot be read. */
  executable: string | null;
  /** Every full name it goes by. */
  names: readonly string[];
}

export interface ProcessesPort {
  /** What runs now, d3 itself aside. @throws D3Error failed when it cannot be found out */
  list(): Promise<readonly ProcessHere[]>;
  /** What d3 was started by, the nearest first. @throws D3Error failed when it cannot be found out */
  startedBy(): Promise<readonly ProcessHere[]>;
}

/** A program that is there and can be run. */
export interface InstalledProgram {
  /** Another one when the file is another. */
  mark: string;
}

/** A program to be run: its words as they are, through no shell. */
export interface ProgramRequest {
  /** Absolute path within the root. */
  program: string;
  /** Others can read them: no secret belongs here. */
  args: readonly string[];
  /** Milliseconds until it is ended, with everything in its process group. */
  timeout: number;
  /** Ends it before its time; without one it is left to finish what it is at. */
  signal?: AbortSignal;
  /** Variables besides a fixed PATH, HOME, USER, LOGNAME and the language C. */
  environment?: Readonly<Record<string, string>>;
  /** What it is given to read; nothing unless said. */
  input?: string;
  /** Told of every whole line it prints, on either stream, control characters and all. */
  onLine?: (line: string) => void;
  /** What it leaves running in its process group goes on after it has ended by itself; otherwise that ends with it. */
  leavesRunning?: boolean;
}

/** How it ended and what it said. */
export interface ProgramResult {
  /** Null when it was killed: by a signal, or because its time was up. */
  code: number | null;
  signal: string | null;
  timedOut: boolean;
  /** The first 16 MiB of each stream. */
  stdout: string;
  stderr: string;
  /** It said more than is kept: what is here is no whole answer. */
  cut: boolean;
  /** The last lines of both streams as they came, without empty ones: for an error that quotes them. */
  lastLines: readonly string[];
}

/** Programs that others installed on the machine. In a root folder what lies there stands for them. */
export interface ProgramsPort {
  /** @returns null when there is none at this place */
  find(program: string): InstalledProgram | null;
  /** @throws D3Error notFound where there is none, refused where others could change it; how it ended is the caller's to judge */
  run(request: ProgramRequest): Promise<ProgramResult>;
}

/** What starts d3 by itself: files that launchd or systemd read. */
export interface TriggerFiles {
  /**
   * Texts by the names of their files; where they go is d3's matter. A `.plist` goes to launchd's daemons, or where it says
   * `agent` to its agents; `.service`, `.timer` and `.target` to systemd,
   * `.desktop` to what desktops start in every session. Names begin with `org.d3.` or `d3-`.
   */
  files: readonly { name: string; text: string; agent?: boolean }[];
  /** Units of systemd that are switched on, with whether they begin at once. */
  units?: readonly { name: string; now: boolean }[];
}

/** What stands of a trigger, or was done to it. */
export type TriggerState = {
  /** Absolute paths. */
  files: readonly string[];
  installed: boolean;
  /** Whether the system knows of it; null where this root is not the system that runs. */
  active: boolean | null;
};

export interface TriggersPort {
  /** The d3 that a trigger starts: absolute path on the machine. @throws D3Error refused for one that others could change */
  program(): Promise<string>;
  /**
   * @param options `now`: whether it begins at once, without being waited for, or at the next start of the machine only; left out: as the
   *   trigger says, and what launchd reads at once
   */
  install(trigger: TriggerFiles, options: { dryRun: boolean; now?: boolean }): Promise<TriggerState>;
  /**
   * Takes away just what was laid down.
   * @param options `leaveRunning`: what it started goes on to its end, as whoever takes away what started itself wants it
   */
  remove(trigger: TriggerFiles, options: { dryRun: boolean; leaveRunning?: boolean }): Promise<TriggerState>;
  state(trigger: TriggerFiles): Promise<TriggerState>;
}

/** The file of a package that somebody else's receipts say is installed. */
export interface FileFound {
  /** Its name, without folders. */
  name: string;
  /** Since when, ISO 8601, UTC; null where that is not known. */
  at: string | null;
}

/** What became of such files. */
export interface FilesTakenOver {
  dryRun: boolean;
  taken: readonly { file: string; edition: string }[];
  /** Left out: a newer edition of the same basename is spoken of, too. */
  older: readonly { file: string; edition: string; newest: string }[];
  /** Basenames that were on record already, installed or waiting; they stay as they are. */
  kept: readonly string[];
  /** Names that no edition's file has. */
  unknown: readonly string[];
}

export interface ReceiptsPort {
  /** What is installed on the machine, by basename. */
  list(): Promise<readonly PlanReceipt[]>;
  /**
   * Puts on record what another tool installed: the editions whose files have these names, of each basename the newest. Which files
   * they have put on the disk the next sync finds out. Not to be called while a run holds the lock of the machine.
   * @param options `admin`: who the receipts are recorded for
   * @throws D3Error busy, usage `NO_DEPOT`, depotUnreachable
   */
  takeOver(found: readonly FileFound[], options: { admin: string; dryRun: boolean }): Promise<FilesTakenOver>;
}

/** A JSON document that goes to somebody else's server. */
export interface SendRequest {
  /** May be a secret: it is in no error and no log. */
  url: string;
  body: Json;
  headers?: Readonly<Record<string, string>>;
  /** Milliseconds for each try. */
  within: number;
  /** How often it is sent at most while nobody answers, or the server is in trouble. */
  tries: number;
}

/** What came of it: the status of the answer, whatever it is, or why there was none. */
export type Sent = { kind: 'answered'; status: number } | { kind: 'failed'; why: string };

export interface NetworkPort {
  /** By POST; no redirect is followed, and `http.ca` is trusted. It throws only when d3 is stopped. */
  send(request: SendRequest): Promise<Sent>;
}
