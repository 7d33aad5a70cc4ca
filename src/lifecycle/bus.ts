import { pathToFileURL } from 'node:url';
import {
  D3Error,
  type EventMap,
  type EventName,
  type EventRow,
  type ExitName,
  eventRow,
  type PluginContext,
} from '@d3/sdk';

/** One handler of an event, as a plugin's package.json declares it. */
export interface HookFile {
  plugin: string;
  /** Absolute path of the module. */
  file: string;
  /** The export that is the handler. */
  identifier: string;
}

/** Who listens to what: in the order plugins are listed, then by name. */
export interface HookSource {
  filesFor(event: EventName): readonly HookFile[];
}

/** What became of one handler. Nothing a plugin does is lost or taken for success. */
export type HookOutcome<Answer = unknown> =
  | { plugin: string; kind: 'ok'; answer: Answer }
  /** A gate that refused; those after it were not asked. */
  | { plugin: string; kind: 'veto'; answer: Answer }
  /** `exit`: of the error, where it was one of d3's own. */
  | { plugin: string; kind: 'error'; why: string; exit?: ExitName }
  | { plugin: string; kind: 'timeout'; why: string }
  | { plugin: string; kind: 'missing'; why: string };

/** Told of each call, for --trace-hooks. */
export type HookTracer = (event: EventName, outcome: HookOutcome, milliseconds: number) => void;

export interface BusOptions {
  hooks: HookSource;
  /** Makes the context a plugin's handlers get. */
  contextFor(plugin: string, signal: AbortSignal): PluginContext;
  /** Milliseconds of a clock that never goes back. */
  ticks(): number;
  signal: AbortSignal;
  trace: HookTracer;
  /** Milliseconds a handler has to end after its signal was aborted: what it started is to be over before d3 goes on. */
  grace: number;
}

/** Runs events: one handler after another, each with its time, every outcome kept. */
export class Bus {
  readonly #options: BusOptions;

  constructor(options: BusOptions) {
    this.#options = options;
  }

  /** Names of the plugins that listen to an event, in order. */
  listeners(event: EventName): string[] {
    return [...new Set(this.#options.hooks.filesFor(event).map((hook) => hook.plugin))];
  }

  /**
   * Asks or tells everybody who listens; for a gate, until somebody does not let it pass, for a handler, until somebody answers.
   * @param options `everybody`: all handlers are asked, whoever answered before
   */
  async fire<Name extends EventName>(
    event: Name,
    payload: EventMap[Name]['payload'],
    { everybody }: { everybody: boolean } = { everybody: false },
  ): Promise<HookOutcome<EventMap[Name]['answer']>[]> {
    const row = eventRow(event);
    const outcomes: HookOutcome<EventMap[Name]['answer']>[] = [];
    for (const hook of this.#options.hooks.filesFor(event)) {
      this.#options.signal.throwIfAborted();
      const started = this.#options.ticks();
      const outcome = await this.#run(hook, row, frozenCopy(payload));
      this.#options.signal.throwIfAborted();
      this.#options.trace(event, outcome, this.#options.ticks() - started);
      outcomes.push(outcome as HookOutcome<EventMap[Name]['answer']>);
      if (row.kind === 'gate' && outcome.kind !== 'ok') break;
      if (row.kind === 'handler' && !everybody && isHandled(outcome)) break;
    }
    return outcomes;
  }

  async #run(hook: HookFile, row: EventRow, payload: unknown): Promise<HookOutcome> {
    const { plugin } = hook;
    const abort = new AbortController();
    const signal = AbortSignal.any([abort.signal, this.#options.signal]);
    // A timer that keeps the process alive: an unref'd one would let d3 end under a plugin that hangs.
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<HookOutcome>((resolve) => {
      timer = setTimeout(() => {
        const why = `it did not answer within ${row.timeout / 1000} s`;
        resolve({ plugin, kind: 'timeout', why });
        abort.abort(
          new D3Error('HOOK_TIMEOUT', 'failed', `${plugin} took too long over ${row.name}`, { target: plugin }),
        );
      }, row.timeout);
    });
    const stopped = whenAborted(this.#options.signal, plugin);
    try {
      return await withoutExit(async () => {
        const answer = this.#call(hook, row, payload, signal);
        const outcome = await Promise.race([answer, late, stopped.promise]);
        if (signal.aborted) await withinTime(answer, this.#options.grace);
        return outcome;
      });
    } finally {
      clearTimeout(timer);
      stopped.forget();
      abort.abort();
    }
  }

  async #call(hook: HookFile, row: EventRow, payload: unknown, signal: AbortSignal): Promise<HookOutcome> {
    const { plugin } = hook;
    try {
      const handler = await load(hook);
      if (typeof handler !== 'function') return { plugin, kind: 'error', why: `${hook.file} exports no handler` };
      const given: unknown = row.synchronous
        ? handler(payload)
        : handler(payload, this.#options.contextFor(plugin, signal));
      if (row.synchronous && isThenable(given)) {
        given.then(undefined, () => undefined);
        return { plugin, kind: 'error', why: `${row.name} must be answered at once, not with a promise` };
      }
      return judged(plugin, row, await given);
    } catch (error) {
      if (isAbsent(error, hook)) return { plugin, kind: 'missing', why: `its file ${hook.file} is missing` };
      const why = wordsOf(error);
      return error instanceof D3Error
        ? { plugin, kind: 'error', why, exit: error.exit }
        : { plugin, kind: 'error', why };
    }
  }
}

/** Notified plugins may answer what they like; everything else must be what the event's table says. */
function judged(plugin: string, row: EventRow, answer: unknown): HookOutcome {
  if (row.kind === 'notify') return { plugin, kind: 'ok', answer: undefined };
  const problem = row.check(answer);
  if (problem !== null) return { plugin, kind: 'error', why: `its answer to ${row.name} is wrong: ${problem}` };
  const copy: unknown = structuredClone(answer);
  const refused = row.kind === 'gate' && (copy as { kind: string }).kind === 'refuse';
  return { plugin, kind: refused ? 'veto' : 'ok', answer: copy };
}

function isHandled({ kind, ...outcome }: HookOutcome): boolean {
  if (kind !== 'ok' || !('answer' in outcome)) return false;
  const { answer } = outcome as { answer: unknown };
  return answer !== null && (answer as { handled?: boolean }).handled !== false;
}

async function load({ file, identifier }: HookFile): Promise<((...args: unknown[]) => unknown) | undefined> {
  const module = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  return module[identifier] as ((...args: unknown[]) => unknown) | undefined;
}

function isAbsent(error: unknown, { file }: HookFile): boolean {
  const { code, url, message } = (error ?? {}) as { code?: string; url?: string; message?: string };
  if (code !== 'ERR_MODULE_NOT_FOUND') return false;
  return url === pathToFileURL(file).href || (message ?? '').includes(`'${file}'`);
}

function wordsOf(error: unknown): string {
  if (error instanceof ExitAttempt) return error.message;
  if (error instanceof Error) {
    const exit = (error as { oclif?: { exit?: number } }).oclif?.exit;
    return (error as { code?: string }).code === 'EEXIT'
      ? `it tried to end d3 with ${exit}`
      : error.message || error.name;
  }
  return typeof error === 'string' ? error : `it threw ${JSON.stringify(error) ?? String(error)}`;
}

class ExitAttempt extends Error {}

async function withinTime(work: Promise<unknown>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([work, over]);
  clearTimeout(timer);
}

/** Keeps a plugin from ending the whole of d3, with whatever code. */
async function withoutExit<Result>(work: () => Promise<Result>): Promise<Result> {
  const exit: unknown = Reflect.get(process, 'exit');
  process.exit = (code) => {
    throw new ExitAttempt(`it tried to end d3 with ${code ?? 0}`);
  };
  try {
    return await work();
  } finally {
    Reflect.set(process, 'exit', exit);
  }
}

/** Ends the wait for a plugin when d3 is stopped; what it says then is not looked at. */
function whenAborted(signal: AbortSignal, plugin: string): { promise: Promise<HookOutcome>; forget(): void } {
  let forget = () => undefined as void;
  const promise = new Promise<HookOutcome>((resolve) => {
    const stop = () => resolve({ plugin, kind: 'error', why: 'd3 was stopped' });
    signal.addEventListener('abort', stop, { once: true });
    forget = () => signal.removeEventListener('abort', stop);
  });
  return { promise, forget: () => forget() };
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}

/** Only data crosses: a copy of its own for every handler, which it cannot change. */
function frozenCopy(payload: unknown): unknown {
  const copy: unknown = structuredClone(payload);
  freeze(copy);
  return copy;
}

function freeze(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  Object.freeze(value);
  for (const part of Object.values(value)) freeze(part);
}
