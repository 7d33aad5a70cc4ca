import type { Json, Reporter } from '@d3/sdk';
import type { Catalog } from '../catalog/types.ts';
import type { PluginRoom } from '../lifecycle/plugins.ts';
import { pluginKinds } from '../lifecycle/step-kinds.ts';
import { gatherMachineFacts } from '../platform/machine.ts';
import { pause } from '../platform/pause.ts';
import type { Deciding } from '../runs/decisions.ts';
import { advance, type Engine, type Told } from '../runs/engine.ts';
import { assertKind, scriptKind, waitKind } from '../runs/kinds.ts';
import { isOver, nameOf, type Run, type StepKind, type StepKinds } from '../runs/types.ts';
import { becomeOwner, isOwnerGone, joinOrLock, type RunOwner } from './lock.ts';
import { logging } from './log.ts';
import { roomOutside } from './room.ts';
import { ScriptBlobs } from './script-blobs.ts';
import { soundState } from './state/rebuild.ts';
import { StateRuns } from './state/step-runs.ts';
import { gatherStepFacts, type StepFacts } from './steps/facts.ts';
import { packageKinds } from './steps/packages.ts';
import { type StepParts, stepEnvironment } from './steps/parts.ts';
import { rebootKind, serviceKind } from './steps/system.ts';

/** Milliseconds a lease lasts, and between two looks at the store while a step runs. */
const LEASE = 60_000;
const LOOK = 1000;

/** Runs of steps on this machine, as one process advances them. Closed when it is done. */
export class StepRuns {
  readonly store: StateRuns;
  /** The catalog this process works by; null: the one seen last. */
  catalog: Catalog | null = null;
  readonly #parts: StepParts;
  #owner: RunOwner | null = null;
  readonly #added: StepKind[] = [];
  #kinds: StepKinds | null = null;

  constructor(parts: StepParts) {
    this.#parts = parts;
    this.store = new StateRuns(parts.machine.paths);
  }

  /** For what persons decide about runs. */
  get deciding(): Deciding {
    const { clock } = this.#parts.machine;
    return { store: this.store, clock, isGone: (owner) => this.#isGone(owner) };
  }

  /** All kinds of steps there are here. */
  async kinds(): Promise<StepKinds> {
    return this.#allKinds();
  }

  /** A kind that needs this very process: runs of which one is a step of another. */
  add(kind: StepKind): void {
    this.#added.push(kind);
  }

  /** What is so on this machine now. */
  async facts(): Promise<StepFacts> {
    return gatherStepFacts(this.#parts, this.catalog, await this.room(this.#parts.options.signal, () => undefined));
  }

  /** Advances a run until it is over, holds or waits. What a policy's run comes to is written down for its frequency. */
  async advance(id: string, { stays = true }: { stays?: boolean } = {}): Promise<Run> {
    const { machine, options } = this.#parts;
    const { clock } = machine;
    this.#owner ??= await becomeOwner(machine.paths.owners, clock, options.signal);
    const warn = (text: string) => options.report({ type: 'detail', target: null, text });
    const log = machine.openLog(id, options.debug, warn);
    const engine: Engine = {
      ...this.deciding,
      kinds: await this.#allKinds(),
      pause,
      facts: async () => (await this.facts()) as unknown as Json,
      owner: this.#owner.name,
      lease: LEASE,
      look: LOOK,
      signal: options.signal,
      tell: (told) => this.#tell(told, logging(options.report, log)),
      stays: () => stays,
    };
    const run = await advance(id, engine).finally(() => log.close());
    const { kind, id: policy } = run.origin;
    if (kind === 'policy' && policy !== null && run.state === 'done')
      this.store.policyDone(policy, run.endedAt ?? clock.now().toISOString());
    return run;
  }

  /** Makes a run known before anything of it is done. */
  async create(run: Run): Promise<void> {
    const { paths, clock } = this.#parts.machine;
    const { parent, wait, signal, report } = this.#parts.options;
    const lock = () => joinOrLock({ paths, parent, command: 'policy', wait, clock, signal, onWait: () => undefined });
    await soundState(paths, clock.now(), { report, lock });
    await this.store.create(run);
  }

  /** Runs that are neither over nor the step of another one; the oldest first. */
  async open(): Promise<Run[]> {
    return (await this.store.list({ open: true })).filter(({ parent }) => parent === null).toReversed();
  }

  async room(signal: AbortSignal, say: (text: string) => void): Promise<PluginRoom> {
    const { machine } = this.#parts;
    const { paths, depot } = machine;
    return roomOutside({
      paths,
      host: await gatherMachineFacts(paths.root, paths.facts),
      scripts: new ScriptBlobs(paths.scripts, depot),
      signal,
      report: (event) => {
        if (event.type === 'warning') this.#parts.options.report(event);
        else if ('text' in event && event.text !== '') say(event.text);
      },
    });
  }

  close(): void {
    this.#owner?.release();
    this.#owner = null;
  }

  #isGone(owner: string): boolean | null {
    return owner === this.#owner?.name ? null : isOwnerGone(this.#parts.machine.paths.owners, owner);
  }

  /** Made when a run is advanced: whoever only looks asks no plugin. */
  async #allKinds(): Promise<StepKinds> {
    if (this.#kinds !== null) return this.#kinds;
    const { machine, exec, options } = this.#parts;
    const { clock, paths, depot, plugins } = machine;
    const scripts = new ScriptBlobs(paths.scripts, depot);
    const environment = (context: Parameters<StepKind['run']>[0]) => stepEnvironment(this.#parts, context);
    const own = [
      ...packageKinds(this.#parts),
      scriptKind({
        exec,
        blob: (sha256) => scripts.read(sha256),
        words: async () => {
          const { name, user } = await gatherMachineFacts(paths.root, paths.facts);
          return [paths.root, name, user ?? ''];
        },
        environment,
      }),
      rebootKind(this.#parts),
      serviceKind(this.#parts),
      waitKind({ clock, pause }),
      assertKind(),
    ];
    const parts = {
      plugins,
      room: (signal: AbortSignal, say: (text: string) => void) => this.room(signal, say),
      environment,
    };
    const warn = (target: string, text: string) => options.report({ type: 'warning', target, text });
    const brought = await pluginKinds(parts, clock.now().toISOString(), options.signal, warn);
    this.#kinds = new Map([...brought, ...own, ...this.#added].map((kind) => [kind.kind, kind]));
    return this.#kinds;
  }

  #tell(told: Told, report: Reporter): void {
    const { run, index } = told;
    const step = run.steps[index];
    if (step === undefined) return;
    const target = `${run.origin.name} ${index + 1}/${run.steps.length}`;
    const name = nameOf(step.step);
    if (told.type === 'begin') report({ type: 'begin', target, text: name });
    else if (told.type === 'said') report({ type: 'detail', target, text: told.text });
    else if (step.state !== 'pending') {
      const outcome = step.state === 'done' ? 'ok' : step.state === 'skipped' ? 'skipped' : 'failed';
      report({ type: 'end', target, outcome, text: endText(name, step.state, isOver(run) ? '' : step.text) });
    } else if (step.failures === 0) report({ type: 'note', target, text: `${name} waits: ${step.text}` });
    else report({ type: 'note', target, text: `${name} failed: ${step.text}; it is tried again` });
  }
}

function endText(name: string, state: string, text: string): string {
  return text === '' ? `${name}: ${state}` : `${name}: ${state} (${text})`;
}
