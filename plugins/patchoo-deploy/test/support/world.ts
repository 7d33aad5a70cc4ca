import {
  D3Error,
  type Json,
  type MachineRecord,
  type SendRequest,
  type Sent,
  type StatePort,
  type StepPayload,
  type StoredValue,
  silentReporter,
  type TriggerFiles,
  type TriggerState,
} from '@d3/sdk';
import { lookAtClock } from '../../../../src/client/clock-look.ts';
import { pluginRuns } from '../../../../src/client/plugin-runs.ts';
import type { StepRuns } from '../../../../src/client/step-runs.ts';
import { rebootKind } from '../../../../src/client/steps/system.ts';
import { pluginKinds } from '../../../../src/lifecycle/step-kinds.ts';
import { advance as advanceRun, type Engine } from '../../../../src/runs/engine.ts';
import type { Run, RunStore, StepKind } from '../../../../src/runs/types.ts';
import { MemoryRuns } from '../../../../test/runs/memory.ts';
import { bootstrapFiles } from '../../src/bootstrap.ts';
import { KINDS } from '../../src/kinds/index.ts';
import { lockFiles } from '../../src/lock/files.ts';
import { Memory } from '../../src/memory.ts';
import type { Parts } from '../../src/parts.ts';
import type { Notice } from '../../src/rules/notices.ts';
import type { WrittenSettings } from '../../src/settings.ts';
import { shown } from '../../src/status.ts';

/** A machine, its depot and the time, none of them real; and processes on it that can be killed at every moment they wait. */

/** One that is killed does nothing any more, and hears nothing. */
export class Killed extends Error {}

const SETTINGS: WrittenSettings = {
  attributes: ['build', 'department'],
  optional: [],
  unasked: [],
  defaults: [],
  buildAttribute: 'Build',
  setName: 'yes',
  askName: 'yes',
  nameTemplate: null,
  namePattern: null,
  nameTaken: 'refuse',
  nameUnchecked: 'ask',
  prompt: 'interactive',
  promptSeconds: 600,
  promptUnanswered: 'hold',
  storedAccount: 'no',
  checkIn: 'yes',
  deployEvent: 'deploy',
  buildEvent: 'deploy-%build%',
  extraEvents: [],
  busyMinutes: 60,
  holdPollSeconds: 120,
  holdMaxHours: 0,
  holdOnMax: 'stay',
  update: 'yes',
  updateEvents: ['update'],
  releaseGroups: [],
  updateMaxCycles: 10,
  updateStuckCycles: 3,
  updateStuck: 'hold',
  afterSetup: 'auto',
  restartNotice: 120,
  afterDeploy: 'auto',
  feedbackLog: '/var/log/jamf.log',
  feedbackIgnore: [],
  texts: [],
  language: null,
  icon: null,
  contact: null,
  show: [],
  showEvent: null,
  webhookFile: null,
  webhookKind: 'generic',
  lock: 'yes',
  lockCodeFile: null,
  lockSeconds: 3,
};

/** How the world is when it begins. */
export interface Beginning {
  settings: Partial<WrittenSettings>;
  /** Seconds until the depot answers. */
  silent: number;
  /** Seconds until the record is complete; null: it never is. */
  assigned: number | null;
  /** Events that have a policy, and how often it fails before it works. */
  policies: Readonly<Record<string, { fails: number; restart: boolean }>>;
  /** Packages a sync has to install; `never`: it comes back each time. */
  packages: readonly { name: string; restart: boolean; never: boolean }[];
  /** Milliseconds the clock is off, and the second from which a time service can set it; null: none ever can. */
  clock: { off: number; settable: number | null };
  /** When d3 was built, ISO 8601; null: it is not said. */
  built: string | null;
  /** Seconds for which something is at work on the machine: an update of its system, an installer. */
  updating: number;
  installing: number;
  /** How often a restart that was asked for does not come. */
  ignored: number;
}

export const CALM: Beginning = {
  settings: {},
  silent: 0,
  assigned: 0,
  policies: {
    deploy: { fails: 0, restart: false },
    'deploy-studio': { fails: 0, restart: false },
    update: { fails: 0, restart: false },
  },
  packages: [],
  clock: { off: 0, settable: null },
  built: null,
  updating: 0,
  installing: 0,
  ignored: 0,
};

const RECORD: MachineRecord = {
  name: 'studio-7',
  department: 'art',
  building: null,
  site: null,
  attributes: { Build: 'studio' },
};
const START = Date.UTC(2030, 0, 1);
const LOOK = 1;

export class World {
  at = START;
  boot = 1;
  name = 'mac-a';
  readonly settings: WrittenSettings;
  readonly beginning: Beginning;
  readonly runs = new MemoryRuns();
  readonly values = new Map<string, StoredValue>();
  /** What happened on the machine, in order. */
  readonly happened: string[] = [];
  /** States the depot was told of. */
  readonly told: string[] = [];
  /** What is laid down for the next start of the machine, by its names. */
  readonly laid = new Set<string>();
  /** How often the depot is told before somebody else's run of d3 is in the way of that, and how often that then is. */
  free = 0;
  busy = 0;
  /** States that whoever else hears of them was told of, in order; the same comes again. */
  readonly stood: string[] = [];
  /** What the webhook got, in order. */
  readonly sent: Notice[] = [];
  /** How the webhook answers, each time. */
  webhook: (request: SendRequest) => Sent = () => ({ kind: 'answered', status: 200 });
  /** What is kept of the deployment. */
  readonly files = new Map<string, string>();
  /** Policies whose run within a step is done: they are not begun again. */
  readonly #done = new Set<string>();
  readonly #failures = new Map<string, number>();
  readonly #restarted = new Map<string, number>();
  readonly #gone = new Set<string>();
  readonly #installed = new Set<string>();
  #ignored: number;
  /** Milliseconds the clock is off. */
  #off: number;
  #processes = 0;
  /** When the first restart was asked for. */
  restarted = Number.NaN;
  /** Moments at which a process waited. */
  moments = 0;
  /** The one of them at which whichever process waits is killed, once. */
  cutAt = Number.NaN;

  constructor(beginning: Partial<Beginning> = {}) {
    this.beginning = { ...CALM, ...beginning };
    this.settings = { ...SETTINGS, ...this.beginning.settings };
    this.#ignored = this.beginning.ignored;
    this.#off = this.beginning.clock.off;
  }

  get now(): Date {
    return new Date(this.at + this.#off);
  }

  /** Whether something goes on with the deployment at the next start. */
  get armed(): boolean {
    return this.#isLaid(bootstrapFiles(''));
  }

  /** Whether the screen is locked at the next start. */
  get locks(): boolean {
    return this.#isLaid(lockFiles('', process.platform)) && this.memory.deployment()?.end?.closing !== false;
  }

  get memory(): Memory {
    return new Memory(this.#state(() => undefined));
  }

  async status() {
    const deployment = this.memory.deployment();
    const { runs } = this.process(null).ports;
    return shown(deployment, deployment === null ? null : await runs.get(deployment.run), this.now);
  }

  /** The machine is restarted, unless this one does not come. */
  restart(): void {
    if (this.#ignored > 0) this.#ignored -= 1;
    else this.boot += 1;
  }

  /** A process of d3. @param life moments it lives; null: as long as it wants */
  process(life: number | null): Parts {
    const owner = `process-${++this.#processes}`;
    let left = life ?? Number.POSITIVE_INFINITY;
    const alive = () => {
      if (left <= 0) throw new Killed(owner);
    };
    const moment = async (): Promise<void> => {
      alive();
      this.moments += 1;
      left = this.moments === this.cutAt ? 0 : left - 1;
      if (left > 0) return;
      this.#gone.add(owner);
      throw new Killed(owner);
    };
    /** What is done to the world may be cut before it, or after. */
    const doing = async <Result>(work: () => Result | Promise<Result>): Promise<Result> => {
      await moment();
      const result = await work();
      await moment();
      return result;
    };
    const signal = new AbortController().signal;
    const bootId = () => doing(() => String(this.boot));
    const power = { bootId, restart: () => doing(() => this.#asked()) };
    const ports = {
      plugin: 'test',
      root: '/',
      clock: { now: () => this.now },
      signal,
      ui: silentReporter,
      power: { ...power, battery: async () => null, awake: async <R>(work: () => Promise<R>) => work() },
      system: {
        clock: async () => this.#clock(),
        setClock: () => doing(() => this.#setClock()),
        updating: async () => (this.#passed(this.beginning.updating) ? null : 'its updater is at work'),
        installing: async () => (this.#passed(this.beginning.installing) ? null : 'an installer is at work'),
      },
      machine: {
        facts: () => doing(() => this.#facts()),
        record: () => doing(() => this.#record()),
        rename: (name: string) =>
          doing(() => {
            this.name = name;
            return true;
          }),
        report: () => doing(() => this.#report()),
      },
      provisioning: {
        resolve: async () => null,
        named: async () => null,
        choices: async () => null,
        write: async () => null,
        stands: (state: string) => doing(() => void this.stood.push(state)),
      },
      policies: {
        run: (word: string, _: object, within?: { run: string; index: number; round?: number }) =>
          doing(() => this.#policy(word, `${within?.index}.${within?.round ?? 0}-${word}`)),
      },
      sync: { pending: () => doing(() => this.#pending()), run: () => doing(() => this.#sync()) },
      network: { send: (request: SendRequest) => doing(() => this.#send(request)) },
      files: {
        folder: '/var/lib/d3/plugins/test',
        list: async () => [],
        mark: async () => false,
        unmark: async () => undefined,
        edit: async () => false,
        read: async (file: string) => {
          if (file !== this.settings.webhookFile) return null;
          const bytes = Buffer.from('https://hooks.example.org/T0/SECRET\n');
          return { bytes, uid: process.getuid?.() ?? 0, mode: 0o600, modifiedAt: this.now };
        },
        write: (name: string, content: string) => doing(() => void this.files.set(name, content)),
      },
      triggers: {
        program: async () => '/usr/local/bin/d3',
        install: (trigger: TriggerFiles) => doing(() => this.#lay(trigger)),
        remove: (trigger: TriggerFiles) => doing(() => this.#takeAway(trigger)),
        state: async (trigger: TriggerFiles) => ({ files: [], installed: this.#isLaid(trigger), active: null }),
      },
    };
    const parts = {
      ports: { ...ports, runs: undefined as never },
      memory: new Memory(this.#state(alive)),
      settings: this.settings,
      random: () => 0.5,
    } as Parts;
    const store = this.#store(moment);
    const deciding = { store, clock: ports.clock, isGone: (name: string) => this.#gone.has(name) };
    const kinds = async () => {
      const plugins = {
        stepKinds: async () => [{ plugin: 'test', answer: [...KINDS.values()].map(({ offer }) => offer) }],
        runStep: async (step: StepPayload) => KINDS.get(step.kind)?.run(parts, step) ?? null,
        settledStep: async (step: StepPayload) => KINDS.get(step.kind)?.settled?.(parts, step) ?? null,
      };
      const room = async () => ({ machine: { root: '/', name: this.name, user: null } });
      const brought = await pluginKinds({ plugins, room, environment: () => ({}) } as never, '', signal, (_, text) => {
        throw new Error(text);
      });
      const all: StepKind[] = [...brought, rebootKind({ power })];
      return new Map(all.map((kind) => [kind.kind, kind]));
    };
    const engine = async (stays: boolean): Promise<Engine> => ({
      ...deciding,
      kinds: await kinds(),
      pause: async (milliseconds, stop) => {
        // Looks at the store come of themselves; only an end of the work ends them.
        if (milliseconds === LOOK)
          await new Promise((_, reject) => stop.addEventListener('abort', () => reject(stop.reason), { once: true }));
        // Limits of steps are none of this.
        if (milliseconds >= 300_000)
          await new Promise((_, reject) => stop.addEventListener('abort', () => reject(stop.reason), { once: true }));
        await moment();
        this.at += milliseconds;
      },
      facts: async () => ({}),
      owner,
      lease: 60_000,
      look: LOOK,
      signal,
      tell: () => undefined,
      stays: () => stays,
    });
    const runs = {
      store,
      deciding,
      kinds,
      create: (run: Run) => store.create(run),
      advance: async (id: string, { stays }: { stays: boolean }) => advanceRun(id, await engine(stays)),
    };
    (parts.ports as { runs: unknown }).runs = pluginRuns(runs as unknown as StepRuns, ports.clock);
    return parts;
  }

  #state(alive: () => void): StatePort {
    return {
      get: (key) => {
        alive();
        return this.values.get(key) ?? null;
      },
      set: (key, value: Json, version) => {
        alive();
        const before = this.values.get(key)?.version ?? 0;
        if (before !== version) throw new D3Error('STATE_CONFLICT', 'refused', 'somebody was faster');
        const stored = { value: JSON.parse(JSON.stringify(value)), version: before + 1 };
        this.values.set(key, stored);
        return stored;
      },
    };
  }

  #store(moment: () => Promise<void>): RunStore {
    const cut = async <Result>(work: () => Promise<Result>): Promise<Result> => {
      await moment();
      const result = await work();
      await moment();
      return result;
    };
    return {
      create: (run) => cut(() => this.runs.create(run)),
      get: (id) => this.runs.get(id),
      list: (options) => this.runs.list(options),
      family: (parent) => this.runs.family(parent),
      ready: (wanted) => this.runs.ready(wanted),
      save: (run, generation) => cut(() => this.runs.save(run, generation)),
      append: (id, lines) => cut(() => this.runs.append(id, lines)),
      lines: (id, after) => this.runs.lines(id, after),
    };
  }

  #passed(seconds: number): boolean {
    return this.at - START >= seconds * 1000;
  }

  #clock() {
    const { silent, built } = this.beginning;
    const host = this.#passed(silent) ? new Date(this.at) : null;
    return lookAtClock(this.now, { signed: null, host, built: built === null ? null : new Date(built) });
  }

  #setClock() {
    const { settable } = this.beginning.clock;
    if (settable === null || !this.#passed(settable)) return { set: false, text: 'no time server answers' };
    if (this.#off !== 0) this.happened.push('the clock is set');
    this.#off = 0;
    return { set: true, text: 'its time service set it' };
  }

  #send(request: SendRequest): Sent {
    const answer = this.webhook(request);
    if (answer.kind === 'answered' && answer.status === 200) this.sent.push(request.body as unknown as Notice);
    return answer;
  }

  #asked(): boolean {
    this.happened.push('restart');
    if (Number.isNaN(this.restarted)) this.restarted = this.at;
    return true;
  }

  async #report(): Promise<void> {
    const { state } = await this.status();
    if (this.told.length === this.free && this.busy > 0) {
      this.busy -= 1;
      throw new D3Error('BUSY', 'busy', 'd3 sync is at work.');
    }
    this.told.push(state);
  }

  #isLaid({ files }: TriggerFiles): boolean {
    return files.some(({ name }) => this.laid.has(name));
  }

  #lay({ files }: TriggerFiles): TriggerState {
    const names = files.map(({ name }) => name);
    for (const name of names) this.laid.add(name);
    return { files: names, installed: true, active: null };
  }

  #takeAway({ files }: TriggerFiles): TriggerState {
    const names = files.flatMap(({ name }) => (this.laid.delete(name) ? [name] : []));
    return { files: names, installed: false, active: null };
  }

  #facts() {
    const { name } = this;
    const os = { name: 'macOS', version: '26.1' };
    return { computer: 'id-a', name, serial: 'C02A', hardwareUuid: null, model: null, os, user: null, groups: [] };
  }

  #reach(): void {
    if (this.at - START >= this.beginning.silent * 1000) return;
    throw new D3Error('DEPOT_UNREACHABLE', 'depotUnreachable', 'The depot cannot be reached.');
  }

  #record(): MachineRecord | null {
    this.#reach();
    const { assigned } = this.beginning;
    return assigned !== null && this.at - START >= assigned * 1000 ? RECORD : { ...RECORD, attributes: {} };
  }

  #policy(word: string, place: string) {
    const known = this.beginning.policies[word];
    if (known === undefined) return { state: 'absent', text: `there is no ${word}` } as const;
    if (this.#done.has(place)) return { state: 'ran', text: 'was done' } as const;
    const failures = this.#failures.get(word) ?? 0;
    if (failures < known.fails) {
      this.#failures.set(word, failures + 1);
      this.happened.push(`${word} fails`);
      return { state: 'failed', text: `${word} failed` } as const;
    }
    // A policy that restarts the machine is done once it was started anew.
    const asked = this.#restarted.get(place);
    if (known.restart && (asked === undefined || asked === this.boot)) {
      if (asked === undefined) this.happened.push(`${word} asks for a restart`);
      this.#restarted.set(place, this.boot);
      return { state: 'ran', text: '', waits: 'restart' } as const;
    }
    this.#done.add(place);
    this.happened.push(word);
    return { state: 'ran', text: '' } as const;
  }

  #pending() {
    this.#reach();
    return this.beginning.packages
      .filter(({ name, never }) => never || !this.#installed.has(name))
      .map(({ name }) => ({ target: name, edition: `${name}-1-1`, action: 'install' }));
  }

  #sync() {
    const wanted = this.beginning.packages.filter(({ name, never }) => never || !this.#installed.has(name));
    for (const { name } of wanted) {
      this.#installed.add(name);
      this.happened.push(`install ${name}`);
    }
    const restart = wanted.filter((one) => one.restart && !one.never).map(({ name }) => name);
    return { exit: 0, restart, failed: [], done: wanted.map(({ name }) => name) };
  }
}
