import { number, percent } from '../words.ts';
import { Shape, toneOf } from './mark.tsx';

export interface Part {
  state: string;
  word: string;
  count: number;
}

/** Shares of a whole. The words beside it say the same, so that the bar itself is only for eyes. */
export function Bar({ parts, thin = false }: { parts: readonly Part[]; thin?: boolean }) {
  const whole = parts.reduce((sum, { count }) => sum + count, 0);
  let at = 0;
  return (
    <svg class={`bar${thin ? ' thin' : ''}`} viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">
      <rect class="bar-ground" x="0" y="0" width="1000" height="10" />
      {parts.map(({ state, count }) => {
        const width = whole === 0 ? 0 : (1000 * count) / whole;
        const rect = (
          <rect key={state} class={`bar-${state} fill-${toneOf(state)}`} x={at} y="0" width={width} height="10" />
        );
        at += width;
        return rect;
      })}
    </svg>
  );
}

/** The parts of a bar in words. */
export function Legend({ parts }: { parts: readonly Part[] }) {
  const whole = parts.reduce((sum, { count }) => sum + count, 0);
  return (
    <ul class="legend">
      {parts.map(({ state, word, count }) => (
        <li key={state} class={`tone-${toneOf(state)}${count === 0 ? ' none' : ''}`}>
          <Shape state={state} />
          <span class="legend-word">{word}</span>
          <span class="legend-count">{number(count)}</span>
          <span class="legend-share">{percent(count, whole)}</span>
        </li>
      ))}
    </ul>
  );
}
