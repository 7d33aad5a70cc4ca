import type { AdminPort } from './admin.ts';
import type { Json } from './events.ts';
import type {
  FilesPort,
  MachinePort,
  NetworkPort,
  PoliciesPort,
  PowerPort,
  ProcessesPort,
  ProgramsPort,
  ProvisioningPort,
  QueuePort,
  ReceiptsPort,
  RunsPort,
  SessionPort,
  SettingsPort,
  SyncPort,
  SystemPort,
  TriggersPort,
} from './ports.ts';
import type { Reporter } from './progress.ts';

/**
 * What a hook gets besides its payload, and a plugin's command when it asks for it: ports to what it may use. Everything is scoped to
 * the plugin it belongs to. What a port needs is loaded when it is first used.
 */
export interface PluginContext extends MachinePorts {
  /** The plugin's name, as in its package.json. */
  readonly plugin: string;
  readonly depot: DepotPort;
  /** The depot for whoever administers it: where an edition of it was changed. Null on machines. */
  readonly admin: AdminPort | null;
  readonly state: StatePort;
  readonly exec: ExecPort;
  /** Tells the user what happens; it never prints by itself. */
  readonly ui: Reporter;
  readonly clock: { now(): Date };
  /** Aborted when the time is up or d3 is stopped. */
  readonly signal: AbortSignal;
}

/** Ports to the machine that is worked on; where that is the depot's host itself, to what it is as a machine. */
export interface MachinePorts {
  /** Absolute path of the root of the machine. */
  readonly root: string;
  readonly settings: SettingsPort;
  readonly policies: PoliciesPort;
  readonly queue: QueuePort;
  readonly receipts: ReceiptsPort;
  readonly session: SessionPort;
  readonly power: PowerPort;
  readonly files: FilesPort;
  readonly processes: ProcessesPort;
  readonly programs: ProgramsPort;
  readonly triggers: TriggersPort;
  readonly system: SystemPort;
  readonly runs: RunsPort;
  readonly sync: SyncPort;
  readonly machine: MachinePort;
  readonly provisioning: ProvisioningPort;
  readonly network: NetworkPort;
}

export interface DepotPort {
  /**
   * A blob's bytes, whole and checked against its hash.
   * @throws D3Error notFound (34), depotUnreachable (20) or verificationFailed (33)
   */
  blob(sha256: string): Promise<Buffer>;
}

/** The plugin's own store on the machine: small, versioned, atomic. */
export interface StatePort {
  get(key: string): StoredValue | null;
  /**
   * Replaces a value if it still has the version the caller saw.
   * @param version the version seen; 0 when there was none
   * @throws D3Error refused (30) `STATE_CONFLICT` when somebody was faster
   */
  set(key: string, value: Json, version: number): StoredValue;
}

export interface StoredValue {
  value: Json;
  /** Grows by one with every change; the first is 1. */
  version: number;
}

export interface ExecPort {
  /** Runs a program to its end: no shell, a clean environment, a private working folder, umask 022, a time limit. */
  run(request: ExecRequest): Promise<ExecResult>;
}

export interface ExecRequest {
  /** The program's content; it is written into the private folder, 0700, and run from there. */
  content: Buffer;
  /** What to call it there. */
  name: string;
  args: readonly string[];
  /** The whole environment but for PATH, HOME and TMPDIR, which d3 sets. */
  environment: Readonly<Record<string, string>>;
  /** Milliseconds until it is killed, with everything in its process group. */
  timeout: number;
  signal: AbortSignal;
  /** Called with each line it prints, control characters and all. */
  onLine: (line: string) => void;
}

/** How a program ended. `code` is null when it was killed: by a signal, or because its time was up. */
export interface ExecResult {
  code: number | null;
  signal: string | null;
  timedOut: boolean;
}
