import type { DocumentBody } from '@d3/sdk';

/** The words of deployments. What is kept of them are documents of the depot; how far they are is in the depot's runs. */

/**
 * `concurrent`: all hosts of a role at once, as far as limits allow. `serial`: one after the other, by name. `leader`: the leader
 * first, then all others.
 */
type Mode = 'concurrent' | 'serial' | 'leader';

/** What one step does on one host. Besides, every step may say these. */
interface StepCommon {
  /** For people; else what it does. */
  name?: string;
  /** Seconds; else the kind's own. */
  timeout?: number;
  /** How often it is tried again; else the kind's own. */
  retries?: number;
}

/** A step of a role as a blueprint has it: one of these keys says what it does. */
export type RoleStep = StepCommon &
  (
    | { sync: true }
    /** A basename, or an edition. */
    | { install: string }
    /** Text of a script; its first line says what runs it. */
    | { script: string }
    /** A policy by its name, or an event. */
    | { policy: string }
    | { puppet: PuppetStep }
    /** By the host's own system; or by the controller of its board, which Foreman knows. */
    | { reboot: true | 'bmc' }
    /** Seconds; or until a command ends with 0, or the host answers at a port. */
    | { wait: { seconds: number } | { until: string; every?: number } | { port: number } }
    /** A command that has to end with 0. */
    | { assert: string }
    | { service: string; is: 'on' | 'off' }
  );

export interface PuppetStep {
  /** An environment in place of the host's own. */
  environment?: string;
  /** Runs at most until nothing changes any more; 3 unless said. */
  rounds?: number;
  /** A manifest for `puppet apply` in place of a server: its text, or its absolute path on the host (`/….pp`). */
  apply?: string;
  /** Resources that alone may change (`Service[puppet]`); another one that does fails the step. */
  only?: readonly string[];
  /** What is done about a run of the agent that is under way: it is waited for, unless it is to be ended. */
  running?: 'wait' | 'end';
}

export interface Role {
  name: string;
  /** Roles that have to be done before. */
  after: readonly string[];
  mode: Mode;
  /** The host that goes first with mode `leader`; null: the first by name. */
  leader: string | null;
  /** Sizes of waves, each a number or a percentage; `rest` is all that are left. Empty: one wave. */
  batches: readonly (number | `${number}%` | 'rest')[];
  /** Hosts at the same time. */
  abreast: number;
  /** Hosts that may fail before no further wave and no later role is begun; 0 unless said. */
  maxFailures: number;
  min: number;
  max: number | null;
  /** One step `sync` unless said. */
  steps: readonly RoleStep[];
  /** Title of its hostgroup in Foreman (`base/web`); left out or null: the setting `foreman.hostgroup`, and under it the role's name. */
  hostgroup?: string | null;
}

export type ParameterType = 'text' | 'number' | 'boolean' | 'list' | 'secret';
export type ParameterValue = string | number | boolean | readonly string[] | null;

/** A value that a deployment gives, and roles and hosts may have of their own. Scripts see it as `D3_PARAM_<NAME>`. */
export interface Parameter {
  name: string;
  type: ParameterType;
  default: ParameterValue;
  required: boolean;
  description: string;
}

/** Document `blueprint`, `d3/blueprint@1`. */
export interface Blueprint extends DocumentBody {
  schema: 'd3/blueprint@1';
  description: string;
  /** As {@link Role}[] and {@link Parameter}[]. */
  roles: Role[] & DocumentBody[string];
  parameters: Parameter[] & DocumentBody[string];
}

/**
 * What a host is: `discovered` booted a discovery image and can be installed anew; `registered` is known to Foreman, unmanaged;
 * `ssh`: an inventory says how it is reached; `computer`: a computer of the depot, Macs among them.
 */
export type HostKind = 'discovered' | 'registered' | 'ssh' | 'computer';

/** `known`: nobody said what it is to be. `held`: a connector keeps it until it is deployed. */
export type HostState =
  | 'known'
  | 'held'
  | 'assigned'
  | 'preparing'
  | 'ready'
  | 'configuring'
  | 'verifying'
  | 'released'
  | 'failed';

/** Document `host`, `d3/host@1`, by its name: how a machine is reached. */
export interface Host extends DocumentBody {
  schema: 'd3/host@1';
  kind: HostKind;
  /** Address or name that is connected to. */
  address: string;
  port: number;
  user: string;
  /** Name of a proxy; null: it is reached from the controller. */
  proxy: string | null;
  /** Id of the computer it is in the depot, where that is known. */
  computer: string | null;
  /** Id in Foreman; null: it is not there, or not yet. */
  foreman: string | null;
  /** Its public host keys, `type base64` each; empty: none is known. */
  hostKeys: string[];
  /** What is known of it: cpus, memory, disks, nics, os, mac; by name. */
  facts: { [name: string]: DocumentBody[string] };
  /** What its unattended installation is told by; nothing unless Foreman. */
}

/** A host by the name of its document. */
export interface NamedHost {
  name: string;
  host: Host;
}

/** Who says of hosts what their agents do: Foreman, where it is. Saying it again changes nothing. */
export interface Classifier {
  /** `none`: the agent's service is off; `service`: it is on. What comes of it, the next run of the agent brings about. */
  agent(target: NamedHost, mode: 'none' | 'service'): Promise<void>;
  /** @param name null: that of its hostgroup */
  environment(target: NamedHost, name: string | null): Promise<void>;
}

/** How host keys are held: `strict` needs a known one; `accept-new` takes what it first meets and refuses another; `off` warns. */
export type HostKeyMode = 'strict' | 'accept-new' | 'off';

/** Document `proxy`, `d3/proxy@1`, by its name: the way into a network. */
export interface Proxy extends DocumentBody {
  schema: 'd3/proxy@1';
  /** Where it is reached; null: hosts are reached from the controller, and it only gives key and limits. */
  address: string | null;
  port: number;
  user: string;
  /** Absolute path of the private key on the controller; null: an SSH agent of the controller. */
  key: string | null;
  /** Its public half, `type base64 comment`. */
  publicKey: string | null;
  hostKeyMode: HostKeyMode;
  /** Its own public host keys. */
  hostKeys: string[];
  /** Public keys of authorities that sign host keys; empty: none. */
  authorities: string[];
  /** Connections that are being opened at the same time (MaxStartups). */
  opening: number;
  /** Sessions at the same time over one connection (MaxSessions). */
  sessions: number;
}

/** A host in a deployment. */
export interface Assignment {
  host: string;
  role: string;
  /** Values of its own. */
  parameters: { [name: string]: ParameterValue };
  by: string;
  /** ISO 8601, UTC. */
  at: string;
  /** How its last run ended; null: it had none. */
  outcome: Outcome | null;
}

export interface Outcome {
  state: 'released' | 'failed';
  /** Id of the deployment's run. */
  run: string;
  at: string;
  text: string;
}

/** Document `deployment`, `d3/deployment@1`. */
export interface Deployment extends DocumentBody {
  schema: 'd3/deployment@1';
  description: string;
  /** Name of the blueprint. */
  blueprint: string;
  parameters: { [name: string]: DocumentBody[string] };
  /** As {@link Assignment}[]. */
  hosts: Assignment[] & DocumentBody[string];
  /** Id of the newest run; null: it never ran. */
  run: string | null;
}

/** Document `deployment-run`, `d3/deployment-run@1`, by the id of the run: what the run goes by, as it was when it began. */
export interface DeploymentRun extends DocumentBody {
  schema: 'd3/deployment-run@1';
  deployment: string;
  /** ISO 8601, UTC. */
  at: string;
  by: string;
  /** As {@link Role}[]. */
  roles: Role[] & DocumentBody[string];
  /** Who takes part, and as what. */
  hosts: { host: string; kind: HostKind; role: string; hostgroup: string | null }[] & DocumentBody[string];
  /** Whether any role runs Puppet. */
  puppet: boolean;
  /** Hosts that are prepared, and released, at the same time. */
  abreast: number;
}
