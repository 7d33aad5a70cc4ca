import { D3Error, type Decision, type Json, type StatePort } from '@d3/sdk';
import type { Source, Values } from './rules/attributes.ts';
import type { Happened } from './rules/notices.ts';
import type { Loop } from './rules/update-loop.ts';

/** What is to be done: all of it, or only the updates of a machine that was deployed before. */
export type Mode = 'deploy' | 'update-only';

/** What a machine was when its deployment took it: the record may change meanwhile, this does not. */
interface Snapshot {
  name: string | null;
  values: Values;
  sources: Readonly<Record<string, Source>>;
  /** ISO 8601, UTC. */
  at: string;
}

/** A machine that waits for somebody to say what it is. */
interface Hold {
  /** ISO 8601, UTC. */
  since: string;
  /** What is missing, by its label. */
  missing: readonly string[];
  /** Whether the depot was told of it. */
  told: boolean;
  /** Whether it was told once more that it lasts too long. */
  escalated: boolean;
}

/** Something outside that does not answer. */
interface Trouble {
  /** ISO 8601, UTC. */
  since: string;
  failures: number;
  text: string;
}

/** One deployment of this machine. How far its steps are is in its run; this is what they have to know. */
export interface Deployment {
  schema: 'd3/provision@1';
  /** Id of its run. */
  run: string;
  mode: Mode;
  by: string;
  /** ISO 8601, UTC. */
  startedAt: string;
  /** The enrolment it is done under; null where it has none. */
  enrolment: string | null;
  snapshot: Snapshot | null;
  hold: Hold | null;
  /** Nobody answered, and the settings have it go on with what is known. */
  goesOn?: boolean;
  trouble: Trouble | null;
  /** It waits for an update of the system, or another installer: since when (ISO 8601, UTC), and how often it looked. Null: it does not. */
  busy: { since: string; looks: number } | null;
  loop: Loop;
  /** The start of the machine in which a restart was asked for; null: none is waited for. */
  restart: { boot: string | null } | null;
  /** Who decided to release it as it is. */
  override: Decision | null;
  /** What went amiss and stops nothing. */
  warnings: readonly string[];
  /** `closing`: it is decided, and is being cleared up. */
  end: { kind: 'released' | 'cancelled'; at: string; closing: boolean } | null;
  /** What happened that somebody wants to know, in order; left out by a d3 that did not keep it. */
  history?: readonly Happened[];
}

/** The last deployment this machine was released from: it begins no other under the same enrolment. */
export interface Released {
  schema: 'd3/released@1';
  enrolment: string | null;
  run: string;
  at: string;
  values: Values;
}

const KEYS = { deployment: 'd3/provision@', released: 'd3/released@' } as const;
const VERSION = 1;
const WARNINGS = 50;

/** The plugin's own store, as deployments use it: each change is written whole, or refused when somebody was faster. */
export class Memory {
  readonly #state: StatePort;

  constructor(state: StatePort) {
    this.#state = state;
  }

  deployment(): Deployment | null {
    return this.#read('deployment').value as Deployment | null;
  }

  released(): Released | null {
    return this.#read('released').value as Released | null;
  }

  /** The deployment a run belongs to. @throws D3Error failed when it is of another one by now */
  of(run: string): Deployment {
    return ofRun(this.deployment(), run);
  }

  /**
   * @param before the deployment whose place it takes; null: there was none
   * @throws D3Error refused `STATE_CONFLICT` when somebody else began one meanwhile
   */
  begin(deployment: Deployment, before: Deployment | null): void {
    const { value, version } = this.#read('deployment');
    if ((value as Deployment | null)?.run !== before?.run)
      throw new D3Error(
        'STATE_CONFLICT',
        'refused',
        'Somebody else began a deployment of this machine at this moment.',
        {
          actions: ['look at it: d3 provision status'],
        },
      );
    this.#write('deployment', deployment, version);
  }

  /** Changes the deployment of a run; where somebody else was faster, what they left. */
  change(run: string, change: (before: Deployment) => Partial<Deployment>): Deployment {
    for (let tries = 1; ; tries += 1) {
      const { value, version } = this.#read('deployment');
      const before = ofRun(value as Deployment | null, run);
      const after = { ...before, ...change(before) };
      if (JSON.stringify(after) === JSON.stringify(before)) return before;
      try {
        this.#write('deployment', after, version);
        return after;
      } catch (error) {
        if (!(error instanceof D3Error) || error.code !== 'STATE_CONFLICT' || tries === 10) throw error;
      }
    }
  }

  warn(run: string, text: string): void {
    this.change(run, ({ warnings }) =>
      warnings.includes(text) ? {} : { warnings: [...warnings, text].slice(-WARNINGS) },
    );
  }

  setReleased(released: Released): void {
    this.#write('released', released, this.#read('released').version);
  }

  /** With the version it has: what is written in its place has to be made of just this. */
  #read(key: keyof typeof KEYS): { value: Json; version: number } {
    const { value, version } = this.#state.get(key) ?? { value: null, version: 0 };
    if (value === null) return { value, version };
    const { schema } = value as { schema?: unknown };
    if (schema === `${KEYS[key]}${VERSION}`) return { value, version };
    throw new D3Error('SCHEMA_NEWER', 'refused', `The ${key} that is kept here was written by a newer d3.`, {
      target: String(schema),
      actions: ['update d3 on this machine'],
    });
  }

  #write(key: keyof typeof KEYS, value: Deployment | Released, version: number): void {
    this.#state.set(key, value as unknown as Json, version);
  }
}

function ofRun(deployment: Deployment | null, run: string): Deployment {
  if (deployment?.run === run) return deployment;
  throw new D3Error('DEPLOYMENT_REPLACED', 'failed', `The run ${run} is of no deployment of this machine any more.`, {
    target: run,
    actions: [`end it: d3 run cancel ${run} --reason WHY`],
  });
}
