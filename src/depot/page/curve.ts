/** The geometry of a plot over time. Pure. */

export interface Frame {
  /** Pixels. */
  width: number;
  height: number;
  left: number;
  right: number;
  top: number;
  bottom: number;
}

export interface Scale {
  from: number;
  to: number;
  most: number;
}

export function xOf(at: number, { from, to }: Scale, { width, left, right }: Frame): number {
  const share = to === from ? 1 : (at - from) / (to - from);
  return round(left + share * (width - left - right));
}

export function yOf(value: number, { most }: Scale, { height, top, bottom }: Frame): number {
  return round(top + (1 - value / most) * (height - top - bottom));
}

/** What changes at once is drawn as steps, not as slopes. */
export function steps(points: readonly { at: number; value: number }[], scale: Scale, frame: Frame): string {
  const [first] = points;
  if (first === undefined) return '';
  let path = `M${xOf(first.at, scale, frame)} ${yOf(first.value, scale, frame)}`;
  for (const { at, value } of points.slice(1)) path += `H${xOf(at, scale, frame)}V${yOf(value, scale, frame)}`;
  return path;
}

/** Round numbers from 0 to at least the highest value, few enough to read. */
export function ticks(most: number, about = 4): number[] {
  if (most <= 0) return [0, 1];
  const rough = most / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(1, ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power);
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, index) => index * step);
}

/** Moments from one to the other, both of them included. */
export function moments(from: number, to: number, count: number): number[] {
  if (to <= from || count < 2) return [to];
  return Array.from({ length: count }, (_, index) => from + ((to - from) * index) / (count - 1));
}

/** The place of the point nearest to a moment. */
export function nearest(points: readonly { at: number }[], at: number): number {
  let best = 0;
  for (const [index, point] of points.entries())
    if (Math.abs(point.at - at) < Math.abs((points[best] as { at: number }).at - at)) best = index;
  return best;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
