import { D3Error } from '@d3/sdk';
import type { Call, Carrier } from '../ssh/connections.ts';
import { type Answer, answerOf, type Follower } from '../ssh/frames.ts';
import type { Target } from '../ssh-port.ts';
import { waited } from '../waited.ts';
import { type Foreman, quoted } from './client.ts';
import { jobTemplateId } from './job-template.ts';
import { locate } from './records.ts';
import { OutcomeUnknown } from './refusal.ts';

const SECOND = 1000;
const LOOKS = [SECOND, SECOND, 2 * SECOND, 5 * SECOND] as const;
/** Milliseconds a job has to begin, besides what it takes. */
const QUEUED = 600 * SECOND;

export interface JobParts {
  /** Its calls are ended by no signal: a job that was begun is to be told that nobody waits for it any more. */
  foreman: Foreman;
  /** Milliseconds between two looks at a job: the last one from then on. */
  looks?: readonly [number, ...number[]];
}

interface Output {
  complete?: unknown;
  output?: unknown;
}

interface Job {
  id: number;
  /** Of its only host, in Foreman. */
  host: number;
}

/**
 * Carries to hosts what their shell reads as jobs of Foreman's remote execution. What was begun on a host is known there by its id, so a job
 * that nobody knows the fate of is simply made again.
 */
export function jobCarrier({ foreman, looks = LOOKS }: JobParts): Carrier {
  let template: Promise<number> | null = null;
  const templateId = () => {
    template ??= jobTemplateId(foreman);
    template.catch(() => {
      template = null;
    });
    return template;
  };

  const begin = async (target: Target, { input, timeout }: Call): Promise<Job> => {
    const located = await locate(foreman, target);
    if (located.kind === 'discovered') throw unreached(target, 'it is not installed yet');
    const { id: host, name } = located.record;
    const job_invocation = {
      job_template_id: await templateId(),
      targeting_type: 'static_query',
      search_query: `name = ${quoted(name)}`,
      inputs: { text: Buffer.from(input).toString('base64') },
      execution_timeout_interval: Math.ceil(timeout / SECOND),
    };
    const made = (await foreman.call('createJob', { json: { job_invocation } }).catch((error: unknown) => {
      throw error instanceof OutcomeUnknown ? unreached(target, error.message) : error;
    })) as { id?: unknown } | null;
    if (typeof made?.id !== 'number') throw unreached(target, 'Foreman did not say which job it made');
    return { id: made.id, host };
  };

  const outputOf = async (
    job: Job,
    since: string | null,
  ): Promise<{ text: string; last: string | null; over: boolean }> => {
    const params = { id: job.id, host: job.host };
    const said = ((await foreman.call('jobOutput', { params, ...(since === null ? {} : { query: { since } }) })) ??
      {}) as Output;
    const lines = (Array.isArray(said.output) ? said.output : []) as {
      output_type?: unknown;
      output?: unknown;
      timestamp?: unknown;
    }[];
    const text = lines
      .filter(({ output_type: type }) => type === 'stdout' || type === 'stderr')
      .map(({ output }) => (typeof output === 'string' ? output : ''))
      .join('');
    const last = lines.at(-1)?.timestamp;
    return {
      text,
      last: typeof last === 'number' || typeof last === 'string' ? String(last) : since,
      over: said.complete === true,
    };
  };

  const followed = async (target: Target, job: Job, call: Call): Promise<Answer> => {
    const told = new Told(call.follower ?? null);
    let since: string | null = null;
    for (let looked = 0, passed = 0; ; looked += 1) {
      const pause = looks[Math.min(looked, looks.length - 1)] as number;
      await waited(pause, call.signal);
      passed += pause;
      const { text, last, over } = await outputOf(job, since);
      since = last;
      if (over) break;
      told.take(text);
      if (passed > call.timeout + QUEUED) throw unreached(target, `the job ${job.id} does not end`);
    }
    const { text } = await outputOf(job, null);
    const all = text.replaceAll('\r\n', '\n');
    told.end(all);
    const answer = answerOf(call.mark, all);
    if (answer.end !== null) return answer;
    throw unreached(target, `the job ${job.id} ended without it: ${lastLine(all)}`);
  };

  const carried = async (target: Target, call: Call): Promise<Answer> => {
    call.signal.throwIfAborted();
    const job = await begin(target, call);
    try {
      return await followed(target, job, call);
    } catch (error) {
      // Nobody waits for it any more. What it began on the host goes on there, and is ended by its own id where it has to be.
      await foreman.call('cancelJob', { params: { id: job.id } }).catch(() => undefined);
      throw error;
    }
  };
  return { call: carried, callOnce: carried };
}

/** Tells whole lines of what a job prints, each once. */
class Told {
  readonly #follower: Follower | null;
  #rest = '';
  #lines = 0;

  constructor(follower: Follower | null) {
    this.#follower = follower;
  }

  take(text: string): void {
    const lines = `${this.#rest}${text.replaceAll('\r\n', '\n')}`.split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#tell(line);
  }

  /** @param all what it printed from its beginning */
  end(all: string): void {
    for (const line of all.split('\n').slice(this.#lines)) this.#tell(line);
  }

  #tell(line: string): void {
    this.#lines += 1;
    this.#follower?.take(line);
  }
}

function unreached({ name }: Target, why: string): D3Error {
  return new D3Error('SSH_UNREACHABLE', 'failed', `${name} could not be worked on by a job of Foreman: ${why}.`, {
    target: name,
    actions: [
      `see in Foreman what became of its jobs, and whether a smart proxy reaches ${name}`,
      'look what is missing there: d3 foreman doctor',
    ],
  });
}

function lastLine(text: string): string {
  const line = text.trimEnd().split('\n').at(-1) ?? '';
  return (
    line
      .replaceAll(/\p{Cc}+/gu, ' ')
      .trim()
      .slice(0, 300) || 'it said nothing'
  );
}
