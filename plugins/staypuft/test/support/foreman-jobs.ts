import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** As much of the body of a new job as the stand-in reads. */
export interface AskedJob {
  job_template_id: number;
  targeting_type: string;
  search_query: string;
  inputs: Record<string, string>;
  execution_timeout_interval?: number;
}

interface Template {
  id: number;
  name: string;
  template: string;
}

/** Jobs of remote execution, as its API has them; what they have done on a host is done by a shell of this machine. */
export class StandInJobs {
  readonly templates: Template[] = [];
  readonly invocations: StandInJob[] = [];
  /** Whether no smart proxy reaches any host. */
  unreachable = false;
  #folder: string | null = null;

  /** Takes in a template, or another text of one it has. */
  take(id: number, text: string): Template {
    const [, name = ''] = /^name: (.*)$/m.exec(text) ?? [];
    // What is in its heading is kept elsewhere than the text.
    const template = text.replaceAll(/<%#.+?%>\n?/gs, '');
    const there = this.templates.find((one) => one.name === name);
    if (there !== undefined) return Object.assign(there, { template });
    const made = { id, name, template };
    this.templates.push(made);
    return made;
  }

  /** @returns null: there is no such template */
  begin(id: number, asked: AskedJob, host: { id: number; name: string }): StandInJob | null {
    const template = this.templates.find((one) => one.id === asked.job_template_id);
    if (template === undefined) return null;
    const rendered = template.template.replaceAll(
      /<%= input\('(\w+)'\) %>/g,
      (_, name: string) => asked.inputs[name] ?? '',
    );
    this.#folder ??= mkdtempSync(path.join(tmpdir(), 'd3-jobs-'));
    const script = path.join(this.#folder, `job-${id}`);
    writeFileSync(script, rendered, { mode: 0o700 });
    const job = new StandInJob(id, host.id, asked, this.unreachable ? null : script);
    this.invocations.push(job);
    return job;
  }

  async stop(): Promise<void> {
    for (const job of this.invocations) job.cancel();
    await Promise.all(this.invocations.map((job) => job.over));
    if (this.#folder !== null) rmSync(this.#folder, { recursive: true, force: true });
  }
}

class StandInJob {
  readonly id: number;
  readonly host: number;
  readonly asked: AskedJob;
  readonly over: Promise<void>;
  readonly #lines: { output_type: string; output: string; timestamp: number }[] = [];
  #complete = false;
  #child: ChildProcess | null = null;
  #said = 0;

  constructor(id: number, host: number, asked: AskedJob, script: string | null) {
    this.id = id;
    this.host = host;
    this.asked = asked;
    if (script === null) {
      this.#say('debug', 'Error initializing command: Net::SSH::ConnectionTimeout');
      this.#complete = true;
      this.over = Promise.resolve();
      return;
    }
    const child = spawn('/bin/sh', [script], { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    this.#child = child;
    child.stdout.setEncoding('utf8').on('data', (text: string) => this.#say('stdout', text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => this.#say('stderr', text));
    this.over = new Promise((resolve) => {
      child.on('close', (code) => {
        this.#say('stdout', `Exit status: ${code ?? 'unknown'}`);
        this.#complete = true;
        resolve();
      });
    });
  }

  output(since: string | null): object {
    const lines = this.#lines.filter(({ timestamp }) => since === null || timestamp > Number(since));
    return { complete: this.#complete, refresh: !this.#complete, output: lines };
  }

  /** @returns false: it was over */
  cancel(): boolean {
    if (this.#complete) return false;
    try {
      process.kill(-(this.#child?.pid as number), 'SIGKILL');
    } catch {
      // It is gone by itself.
    }
    return true;
  }

  #say(type: string, text: string): void {
    this.#said += 1;
    this.#lines.push({ output_type: type, output: text, timestamp: 1_700_000_000 + this.#said / 1000 });
  }
}
