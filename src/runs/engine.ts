import { D3Error, type Json } from '@d3/sdk';
import { conditionText, holds } from './conditions.ts';
import { changeRun, mustGet } from './saving.ts';
import {
  begin,
  cancelled,
  complete,
  fail,
  hold,
  keep,
  leave,
  leaveOut,
  postpone,
  stepAt,
  type Transition,
} from './transitions.ts';
import {
  isOver,
  type Lease,
  nameOf,
  type Problem,
  type Run,
  type RunStep,
  type RunStore,
  type StepContext,
  type StepEnd,
  type StepKind,
  type StepKinds,
} from './types.ts';

/** What is told of a run while it is advanced. */
export type Told =
  | { type: 'begin'; run: Run; index: number }
  | { type: 'end'; run: Run; index: number }
  | { type: 'said'; run: Run; index: number; text: string };

/** Everything the engine needs of the world; handed in. */
export interface Engine {
  store: RunStore;
  kinds: StepKinds;
  clock: { now(): Date };
  /** Waits so many milliseconds. @throws the reason of the signal when it is aborted */
  pause: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  /** What is so now. */
  facts: () => Promise<Json>;
  /** Whoever advances the run here: another name in every process. */
  owner: string;
  /**
   * Whether an owner is known to be gone for good: then its lease counts no more. One that is known to be there keeps it, however
   * long its machine slept. Null: nobody knows, and the time of the lease decides.
   */
  isGone: (owner: string) => boolean | null;
  /** Milliseconds a lease lasts; it is renewed while the run is advanced. */
  lease: number;
  /** Milliseconds between looks at the store while a step runs. */
  look: number;
  /** Aborted when d3 is stopped. */
  signal: AbortSignal;
  tell: (told: Told) => void;
  /** Whether it stays with a step of a run that waits to be run again; left out: yes. Else the run is let go of at the first such wait. */
  stays?: (run: Run) => boolean;
}

/** Left out because of its condition: nobody decided that. */
const CONDITION = 'its condition';

/** Whether somebody else advances a run now. */
export function isHeld({ lease }: Run, { clock, isGone }: Pick<Engine, 'clock' | 'isGone'>): boolean {
  if (lease === null) return false;
  const gone = isGone(lease.owner);
  return gone === null ? Date.parse(lease.until) > clock.now().getTime() : !gone;
}

/**
 * Advances a run until it is over, holds, waits or d3 is stopped. Every transition is saved before and after: whoever takes the
 * run up after a cut repeats no completed step, and asks a started one first whether it is done.
 * @returns the run as it is then
 * @throws D3Error busy `RUN_HELD` when somebody else advances it; the reason of the signal
 */
export async function advance(id: string, engine: Engine): Promise<Run> {
  const first = await mustGet(engine.store, id);
  if (isOver(first) || first.state === 'holding') return first;
  const taken = await take(id, engine);
  if (taken === null) return mustGet(engine.store, id);
  const advancing = new Advancing(taken, engine);
  try {
    await advancing.go();
  } finally {
    await advancing.release();
  }
  return advancing.run;
}

/** @returns null when it was over or held by the time it could be taken */
async function take(id: string, engine: Engine): Promise<Run | null> {
  const { store, owner, clock } = engine;
  const run = await changeRun(store, id, (run) => {
    if (isOver(run) || run.state === 'holding') return null;
    if (isHeld(run, engine)) throw held(run);
    const leases = run.leases + 1;
    const until = new Date(clock.now().getTime() + engine.lease).toISOString();
    return { ...run, state: 'running', text: '', leases, lease: { owner, until, generation: leases } };
  });
  return run.lease?.owner === owner && run.state === 'running' ? run : null;
}

function held({ id, lease }: Run): D3Error {
  return new D3Error('RUN_HELD', 'busy', `The run ${id} is being advanced by somebody else.`, {
    target: id,
    actions: [`watch it: d3 run watch ${id}`, `or wait until ${lease?.until}: then it can be taken up`],
  });
}

/** The lease is somebody else's by now: what this process thinks of the run counts no more. */
class LeaseLost extends Error {}

/** A step that waits is to be run at once. */
class Hurried extends Error {}

/** The store could not be reached while a step ran. What came of the step is not known to it: the record keeps it as started. */
class StoreLost extends Error {}

function isLost(error: unknown): boolean {
  return error instanceof LeaseLost || error instanceof StoreLost;
}

function asLost(error: unknown): Error {
  return isLost(error) ? (error as Error) : new StoreLost('', { cause: error });
}

class Advancing {
  readonly #engine: Engine;
  readonly #id: string;
  readonly #lease: Lease;
  #run: Run;

  constructor(run: Run, engine: Engine) {
    this.#engine = engine;
    this.#id = run.id;
    this.#lease = run.lease as Lease;
    this.#run = run;
  }

  get run(): Run {
    return this.#run;
  }

  async go(): Promise<void> {
    try {
      while (this.#run.state === 'running') {
        this.#engine.signal.throwIfAborted();
        const { cancel } = this.#run;
        const step = stepAt(this.#run);
        if (cancel !== null) await this.#transit((run) => cancelled(run, run.cancel ?? cancel));
        else if (step !== null && this.#waits(step)) return;
        else if (step !== null) await this.#turn(step);
      }
    } catch (error) {
      if (error instanceof StoreLost) throw error.cause;
      if (!(error instanceof LeaseLost)) throw error;
      throw held(await mustGet(this.#engine.store, this.#id));
    }
  }

  /** Whether a step is to be run again later, by somebody else. */
  #waits({ notBefore, failures, attempts }: RunStep): boolean {
    const { clock } = this.#engine;
    if (this.#stays() || notBefore === null || failures > 0 || attempts === 0) return false;
    return this.#looked && Date.parse(notBefore) > clock.now().getTime();
  }

  #stays(): boolean {
    return this.#engine.stays?.(this.#run) ?? true;
  }

  /** Whether a step was run here, and has to wait: whoever does not stay looks once all the same. */
  #looked = false;

  /** Whoever comes next need not wait for the lease to run out. */
  async release(): Promise<void> {
    try {
      this.#run = await changeRun(this.#engine.store, this.#id, (run) =>
        this.#isOurs(run) ? { ...run, lease: null } : null,
      );
    } catch {
      // What goes wrong here went wrong before, and is told; the lease ends by itself.
    }
  }

  /** One step's turn: left out, asked, or run once. */
  async #turn(step: RunStep): Promise<void> {
    const { clock, kinds, pause, signal } = this.#engine;
    const index = this.#run.cursor;
    const kind = kinds.get(step.step.kind);
    if (kind === undefined) {
      await this.#end({ kind: 'failed', ...unknownKind(step.step.kind) });
      return;
    }
    if (step.state === 'started') {
      const how = await this.#settled(kind, step, index);
      if (how !== null) {
        await this.#end({ kind: 'done', text: how });
        return;
      }
    } else if (step.attempts === 0 && !(await this.#isWanted(step))) return;
    const looksOnce = !this.#stays() && step.failures === 0;
    const wait = step.notBefore === null || looksOnce ? 0 : Date.parse(step.notBefore) - clock.now().getTime();
    if (wait > 0) {
      const isHurried = () => stepAt(this.#run)?.notBefore !== step.notBefore;
      await this.#attended((attended) => pause(wait, attended), { isHurried }).catch((error: unknown) => {
        signal.throwIfAborted();
        if (this.#run.cancel === null && !(error instanceof Hurried)) throw error;
      });
      if (this.#run.cancel !== null) return;
    }
    await this.#transit((run) => begin(run, this.#at()));
    if (this.#run.cancel !== null) return;
    this.#engine.tell({ type: 'begin', run: this.#run, index });
    const end = await this.#tried(kind, step, index);
    // Stopped in the middle: the record keeps it as started, and whoever goes on asks it.
    if (end.kind !== 'done') signal.throwIfAborted();
    await this.#end(end);
  }

  async #isWanted({ step: { when } }: RunStep): Promise<boolean> {
    if (when === undefined || holds(when, await this.#engine.facts())) return true;
    const index = this.#run.cursor;
    const why = `it is for where ${conditionText(when)}`;
    await this.#transit((run) => leaveOut(run, { by: CONDITION, why, at: this.#at() }));
    this.#engine.tell({ type: 'end', run: this.#run, index });
    return false;
  }

  async #settled(kind: StepKind, step: RunStep, index: number): Promise<string | null> {
    return this.#attended((signal) => kind.settled(this.#context(index, signal), step.step.args)).catch(
      (error: unknown) => {
        this.#engine.signal.throwIfAborted();
        if (isLost(error)) throw error;
        // Not known to be done: it is run again, and says itself what is wrong.
        return null;
      },
    );
  }

  async #tried(kind: StepKind, { step }: RunStep, index: number): Promise<StepEnd> {
    const limit = step.timeout === undefined ? kind.timeout : step.timeout;
    const late = new AbortController();
    const over = new AbortController();
    if (limit !== null) {
      this.#engine.pause(limit * 1000, over.signal).then(
        () => late.abort(new D3Error('STEP_TIMEOUT', 'failed', `it did not end within ${limit} s`)),
        () => undefined,
      );
    }
    try {
      const run = (signal: AbortSignal) =>
        kind.run(this.#context(index, AbortSignal.any([signal, late.signal])), step.args);
      return await this.#attended(async (signal) => await run(signal), { isCut: (end) => end.kind === 'failed' });
    } catch (error) {
      if (isLost(error)) throw error;
      return { kind: 'failed', ...failureOf(late.signal.aborted ? late.signal.reason : error) };
    } finally {
      over.abort();
    }
  }

  #context(index: number, signal: AbortSignal): StepContext {
    return {
      run: this.#run,
      index,
      data: (this.#run.steps[index] as RunStep).data,
      keep: (data) =>
        this.#change((run) => keep(run, data)).catch((error: unknown) => {
          throw asLost(error);
        }),
      say: (text) => {
        this.#engine.tell({ type: 'said', run: this.#run, index, text });
        this.#said.push({ at: this.#at(), step: index, text });
      },
      facts: () => this.#engine.facts(),
      signal,
    };
  }

  readonly #said: { at: string; step: number; text: string }[] = [];

  /**
   * Does something that takes time: the lease is renewed meanwhile, and a cancellation or a lost lease ends it.
   * @param isCut whether a result is what ending the work made of it, where it was ended
   */
  async #attended<Result>(
    work: (signal: AbortSignal) => Promise<Result>,
    {
      isHurried = () => false,
      isCut = () => false,
    }: { isHurried?: () => boolean; isCut?: (result: Result) => boolean } = {},
  ): Promise<Result> {
    const { look, pause, signal } = this.#engine;
    const stop = new AbortController();
    const over = new AbortController();
    const watch = async (): Promise<Error | null> => {
      try {
        for (;;) {
          await pause(look, over.signal);
          await this.#flush();
          await this.#renew();
          if (this.#run.cancel !== null) stop.abort(new D3Error('RUN_CANCELLED', 'refused', 'the run was cancelled'));
          else if (isHurried()) stop.abort(new Hurried());
        }
      } catch (error) {
        // The wait between two looks ends so when the work is over.
        if (over.signal.aborted && !(error instanceof LeaseLost)) return null;
        const lost = asLost(error);
        stop.abort(lost);
        return lost;
      }
    };
    const watching = watch();
    const [ended] = await Promise.allSettled([work(AbortSignal.any([signal, stop.signal]))]);
    over.abort();
    const lost = await watching;
    // Whoever lost the run must not write what came of it. Work that was done in spite of a lost store is kept if that is there again.
    const isLeft = ended.status === 'rejected' || isCut(ended.value);
    if (lost !== null && (lost instanceof LeaseLost || isLeft)) throw lost;
    if (ended.status === 'rejected') throw ended.reason;
    return ended.value;
  }

  async #renew(): Promise<void> {
    const { clock, lease } = this.#engine;
    await this.#change((run) => {
      const left = Date.parse(run.lease?.until ?? '') - clock.now().getTime();
      if (left > lease / 2) return null;
      const until = new Date(clock.now().getTime() + lease).toISOString();
      return { ...run, lease: { ...this.#lease, until } };
    });
  }

  /** @returns after what came of a step is saved */
  async #end(end: StepEnd): Promise<void> {
    const index = this.#run.cursor;
    const at = this.#at();
    await this.#flush();
    await this.#transit((run) => {
      if (end.kind === 'done') return complete(run, end.text, at);
      if (run.cancel !== null) return cancelled(run, run.cancel);
      if (end.kind === 'hold') return hold(run, end.text);
      if (end.kind === 'later') return postpone(run, end.text, this.#after(end.seconds));
      return end.kind === 'leave' ? leave(run, end.text) : fail(run, end.text, end.problem, at);
    });
    this.#looked = end.kind === 'later';
    this.#engine.tell({ type: 'end', run: this.#run, index });
  }

  async #transit(transition: (run: Run) => Transition): Promise<void> {
    let line: Transition['line'] | null = null;
    await this.#change((run) => {
      const made = transition(run);
      line = made.line;
      return made.run;
    });
    if (line !== null)
      await this.#engine.store.append(this.#id, [{ at: this.#at(), ...(line as NonNullable<Transition['line']>) }]);
  }

  async #flush(): Promise<void> {
    const said = this.#said.splice(0);
    if (said.length > 0) await this.#engine.store.append(this.#id, said);
  }

  async #change(change: (run: Run) => Run | null): Promise<void> {
    this.#run = await changeRun(this.#engine.store, this.#id, (run) => {
      if (!this.#isOurs(run)) throw new LeaseLost();
      return change(run);
    });
  }

  #isOurs({ lease }: Run): boolean {
    return lease !== null && lease.owner === this.#lease.owner && lease.generation === this.#lease.generation;
  }

  #after(seconds: number): string {
    return new Date(this.#engine.clock.now().getTime() + seconds * 1000).toISOString();
  }

  #at(): string {
    return this.#engine.clock.now().toISOString();
  }
}

function unknownKind(kind: string): { text: string; problem: Problem } {
  const actions = ['add the plugin that brings it, then: d3 run retry'];
  return {
    text: `there is no kind of step called ${kind} here`,
    problem: { code: 'STEP_KIND', exit: 'notFound', actions },
  };
}

/** What a step threw, as its failure. */
function failureOf(error: unknown): { text: string; problem: Problem } {
  const text = error instanceof Error ? error.message : String(error);
  if (error instanceof D3Error) {
    const { code, exit, actions } = error;
    return { text, problem: { code, exit, actions: [...actions] } };
  }
  return { text, problem: { code: 'STEP_FAILED', exit: 'failed', actions: [] } };
}

/** What a step is called in messages: its place, and its name. */
export function stepWords({ steps }: Pick<Run, 'steps'>, index: number): string {
  const step = steps[index];
  return `step ${index + 1} of ${steps.length}${step === undefined ? '' : `, ${nameOf(step.step)}`}`;
}
