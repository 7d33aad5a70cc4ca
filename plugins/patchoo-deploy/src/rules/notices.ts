import type { Json } from '@d3/sdk';
import type { State } from '../state.ts';

/** What somebody elsewhere is told of a deployment, and how. */

/** What happened that somebody wants to know. */
type Turn = 'hold-began' | 'hold-ended' | 'hold-overdue' | 'failure-held' | 'released' | 'cancelled';

/** One thing that happened, as it is kept. */
export interface Happened {
  /** Which of the deployment's it is, from 1. */
  number: number;
  event: Turn;
  /** ISO 8601, UTC. */
  at: string;
  /** How it stands since. */
  state: State;
  /** Why, in words. */
  reason: string;
  /** Who decided it; null: nobody did. */
  by: string | null;
  /** What somebody has to say. */
  missing: readonly string[];
  /** The same thing is told once: what is already there by this key did not happen again. */
  key: string;
  /** Whether the webhook has it; null: there is none. */
  notice: 'open' | 'sent' | 'given-up' | null;
}

/** What a machine tells the webhook of `provision.webhookFile`. */
export interface Notice extends Omit<Happened, 'number' | 'key' | 'notice'>, Subject {
  schema: 'd3/provision-notice@1';
  /** The same one when the same notice comes again; also in the header d3-notice. */
  id: string;
}

/** Who it is about. */
export interface Subject {
  /** Id of the deployment's run on the machine. */
  run: string;
  /** What is on its screen while it holds. */
  code: string;
  serial: string | null;
  name: string;
  /** Id of the computer in the depot; null before its first report. */
  computer: string | null;
  /** What is known of the machine: build, department, … */
  values: Readonly<Record<string, string>>;
}

/** How many things of one deployment are kept. */
const KEPT = 100;

/** What is new, behind what there was; nothing changes when it is there already. */
export function andThen(
  history: readonly Happened[] | undefined,
  happened: Omit<Happened, 'number' | 'notice'>,
  isWanted: boolean,
): readonly Happened[] {
  const before = history ?? [];
  if (before.some(({ key }) => key === happened.key)) return before;
  const number = (before.at(-1)?.number ?? 0) + 1;
  return [...before, { ...happened, number, notice: isWanted ? ('open' as const) : null }].slice(-KEPT);
}

/** The id of a notice: the same one each time it is sent. */
export function noticeId(run: string, { number }: Pick<Happened, 'number'>): string {
  return `${run}-${number}`;
}

/** What is sent. Its names stay: what a later version adds or changes gets another number in `schema`. */
export function noticeOf(kind: 'generic' | 'slack' | 'teams', happened: Happened, subject: Subject): Json {
  if (kind === 'slack') return { text: escaped(sentence(happened, subject)) };
  if (kind === 'teams') {
    const content = {
      type: 'AdaptiveCard',
      $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
      version: '1.4',
      body: [{ type: 'TextBlock', text: sentence(happened, subject), wrap: true }],
    };
    return { type: 'message', attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', content }] };
  }
  const { event, at, state, reason, by, missing } = happened;
  const { run, code, serial, name, computer, values } = subject;
  const notice: Notice = {
    schema: 'd3/provision-notice@1',
    id: noticeId(run, happened),
    event,
    at,
    run,
    computer,
    serial,
    name,
    state,
    code,
    reason,
    by,
    missing: [...missing],
    values: { ...values },
  };
  return notice as unknown as Json;
}

const SAYS: Readonly<Record<Turn, string>> = {
  'hold-began': 'waits for somebody to say what it is',
  'hold-ended': 'waits no more',
  'hold-overdue': 'still waits for somebody to say what it is',
  'failure-held': 'is held by a failure',
  released: 'is released',
  cancelled: 'is deployed no further',
};

/** The same for people, in one line. */
function sentence({ event, reason, by, missing }: Happened, { serial, name, code }: Subject): string {
  const who = serial === null || serial === name ? name : `${name} (${serial})`;
  const parts = [
    `${who} ${SAYS[event]}`,
    missing.length === 0 ? '' : `missing: ${missing.join(', ')}`,
    reason,
    by === null ? '' : `by ${by}`,
    event.startsWith('hold-') || event === 'failure-held' ? `code ${code}` : '',
  ];
  return parts.filter((part) => part !== '').join('; ');
}

/** Slack takes these three for its own. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** The address as it was written: https, or a server on this very machine. Null: it is none that is used. */
export function webhookAddress(text: string): URL | null {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : null;
  if (url?.protocol === 'https:') return url;
  return url?.protocol === 'http:' && ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname) ? url : null;
}

/** What an answer means for what was sent. */
export function verdictOf(status: number): 'sent' | 'again' | 'refused' {
  if (status >= 200 && status < 300) return 'sent';
  return status >= 500 || status === 408 || status === 429 ? 'again' : 'refused';
}
