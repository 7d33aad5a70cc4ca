import type { JSX } from 'preact';

/** States differ in word, in shape and in colour, so that any one of the three will do. */

export type Tone = 'good' | 'plain' | 'look' | 'bad' | 'pilot' | 'quiet';

interface Look {
  tone: Tone;
  /** What is drawn in a square of 16. */
  shape: JSX.Element;
}

const line = (d: string) => (
  <path d={d} fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" />
);
const SHAPES = {
  check: line('M3 8.500 6.500 12 13 4.500'),
  disc: <circle cx="8" cy="8" r="5" fill="currentColor" />,
  ring: <circle cx="8" cy="8" r="4.500" fill="none" stroke="currentColor" stroke-width="2" />,
  dashed: (
    <circle cx="8" cy="8" r="4.500" fill="none" stroke="currentColor" stroke-width="2" stroke-dasharray="2.800 1.900" />
  ),
  triangle: <path d="M8 2.500 14 13H2z" fill="currentColor" />,
  cross: line('M4 4l8 8M12 4l-8 8'),
  bars: line('M5.500 3.500v9M10.500 3.500v9'),
  slash: line('M3 13 13 3'),
  box: <path d="M3 3h10v10H3z" fill="none" stroke="currentColor" stroke-width="2" stroke-linejoin="round" />,
  again: line('M12.500 8A4.500 4.500 0 1 1 11 4.600M11.500 2v3h-3'),
  hands: line('M8 4v4.500l3 1.500M8 2.500a5.500 5.500 0 1 0 .01 0'),
  lock: line('M4 7.500h8v5.500H4zM5.500 7.500V5.500a2.500 2.500 0 0 1 5 0v2'),
  dots: (
    <g fill="currentColor">
      <circle cx="3" cy="8" r="1.600" />
      <circle cx="8" cy="8" r="1.600" />
      <circle cx="13" cy="8" r="1.600" />
    </g>
  ),
} satisfies Record<string, JSX.Element>;

const look = (tone: Tone, shape: keyof typeof SHAPES): Look => ({ tone, shape: SHAPES[shape] });
const LOOKS: Readonly<Record<string, Look>> = {
  // statuses of editions
  pilot: look('pilot', 'triangle'),
  live: look('good', 'disc'),
  deprecated: look('quiet', 'ring'),
  skipped: look('quiet', 'dashed'),
  missing: look('bad', 'cross'),
  archived: look('quiet', 'box'),
  // how a computer stands
  installed: look('good', 'check'),
  pending: look('plain', 'hands'),
  restart: look('plain', 'again'),
  held: look('quiet', 'lock'),
  blocked: look('look', 'bars'),
  failed: look('bad', 'cross'),
  unfit: look('quiet', 'slash'),
  // when it was heard of
  fresh: look('good', 'disc'),
  quiet: look('plain', 'ring'),
  silent: look('look', 'dashed'),
  // runs, steps and outcomes
  running: look('plain', 'dots'),
  started: look('plain', 'dots'),
  waiting: look('plain', 'hands'),
  holding: look('look', 'bars'),
  done: look('good', 'check'),
  cancelled: look('quiet', 'slash'),
  uninstalled: look('quiet', 'slash'),
  deferred: look('plain', 'again'),
  interrupted: look('bad', 'cross'),
  refreshed: look('quiet', 'check'),
};
const UNKNOWN = look('quiet', 'ring');

export function toneOf(state: string): Tone {
  return (Object.hasOwn(LOOKS, state) ? (LOOKS[state] as Look) : UNKNOWN).tone;
}

export function Shape({ state }: { state: string }) {
  const { shape } = Object.hasOwn(LOOKS, state) ? (LOOKS[state] as Look) : UNKNOWN;
  return (
    <svg class="shape" viewBox="0 0 16 16" aria-hidden="true">
      {shape}
    </svg>
  );
}

/** Letters of a word that is not broken over lines. */
const SHORT = 32;

/** A state as a word with its shape. @param word what is read; the state itself unless given */
export function Mark({ state, word = state, strong = false }: { state: string; word?: string; strong?: boolean }) {
  return (
    <span class={`mark tone-${toneOf(state)}${strong ? ' strong' : ''}${word.length <= SHORT ? ' whole' : ''}`}>
      <Shape state={state} />
      {word}
    </span>
  );
}
