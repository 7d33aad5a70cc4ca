import { createHash } from 'node:crypto';
import type { RemoteEnd } from '../ssh-port.ts';
import { type PuppetReport, reportOfSent } from './report.ts';
import { oneLine } from './rules.ts';
import { linePrefix, MOST_SENT } from './script.ts';

/** What became of a run of Puppet on a host. */
export type PuppetEnd =
  /** It was attempted, and there is its report. `code` is one of Puppet's detailed ones. */
  | { kind: 'ran'; code: number; report: PuppetReport }
  /** Another run is under way. */
  | { kind: 'busy' }
  /** Somebody disabled the agent; null: they did not say why. */
  | { kind: 'disabled'; reason: string | null }
  /** There is no agent. */
  | { kind: 'absent' }
  /** It did not come to a run: its certificate, its settings, its server. */
  | { kind: 'notRun'; code: number; text: string }
  /** Its time was up, or it was ended. */
  | { kind: 'cut'; timedOut: boolean }
  /** It ran, and what it sent as its report cannot be read. */
  | { kind: 'unread'; code: number };

/** The word between what Puppet prints and what is printed for us: the same for whoever finds the work again. */
export function markOf(id: string): string {
  return createHash('sha256').update(`d3 puppet ${id}`).digest('hex').slice(0, 24);
}

/** Takes what a run prints, line by line: its report is taken out, the rest is told. */
export class Said {
  readonly #prefix: string;
  readonly #tell: (line: string) => void;
  #sent: string | null = null;
  #isReport = false;
  #words: string[] = [];

  constructor(mark: string, tell: (line: string) => void = () => undefined) {
    this.#prefix = linePrefix(mark);
    this.#tell = tell;
  }

  take(line: string): void {
    if (line.startsWith(this.#prefix)) {
      const word = line.slice(this.#prefix.length);
      this.#isReport = word === 'report';
      if (this.#isReport) this.#sent = '';
      else this.#words.push(word);
    } else if (!this.#isReport) this.#tell(line);
    else if (this.#sent !== null && this.#sent.length <= MOST_SENT) this.#sent += line.trim();
  }

  /** Whether it was told how the run ended. */
  get isWhole(): boolean {
    return this.#words.some((word) => word === 'absent' || word.startsWith('code '));
  }

  /** The report as it was sent; null: there was none. */
  get sent(): string | null {
    return this.#sent;
  }

  get isAbsent(): boolean {
    return this.#words.includes('absent');
  }
}

/**
 * @param said what was told while it ran; a controller that came late has only the end of it
 */
export function endOf(mark: string, end: RemoteEnd, said: Said): PuppetEnd {
  const whole = said.isWhole ? said : saidIn(mark, end.output);
  const { code } = end;
  if (code === null || !whole.isWhole) return { kind: 'cut', timedOut: end.timedOut };
  if (whole.isAbsent) return { kind: 'absent' };
  if (whole.sent === null) return withoutReport(code, end.output);
  const report = reportOfSent(whole.sent);
  return report === null ? { kind: 'unread', code } : { kind: 'ran', code, report };
}

function saidIn(mark: string, output: string): Said {
  const said = new Said(mark);
  for (const line of output.split('\n')) said.take(line);
  return said;
}

const BUSY = /Run of .* already in progress|maxwaitforlock timeout has been exceeded/;
const DISABLED = /administratively disabled(?: \(Reason: '([\s\S]*?)'\);)?/;

/** Puppet ends with 1 whatever kept it from running; its words, which are English here, say what. */
function withoutReport(code: number, output: string): PuppetEnd {
  const disabled = DISABLED.exec(output);
  if (disabled !== null) {
    const reason = disabled[1] === undefined ? null : oneLine(disabled[1]);
    return { kind: 'disabled', reason: reason === 'reason not specified' ? null : reason };
  }
  if (BUSY.test(output)) return { kind: 'busy' };
  return { kind: 'notRun', code, text: lastErrors(output) };
}

const MOST_ERRORS = 3;

function lastErrors(output: string): string {
  const lines = output.split('\n').map(oneLine);
  const errors = lines.filter((line) => line.startsWith('Error: ') && !line.startsWith('Error: Facter: '));
  const some = errors.length > 0 ? errors : lines.filter((line) => line !== '' && !line.startsWith('d3:'));
  return some.slice(-MOST_ERRORS).join('; ');
}
