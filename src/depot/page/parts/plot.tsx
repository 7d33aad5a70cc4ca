import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { SpreadPoint } from '../../views/answers.ts';
import { type Frame, moments, nearest, type Scale, steps, ticks, xOf, yOf } from '../curve.ts';
import { day, moment, number } from '../words.ts';

interface PlotProps {
  series: readonly SpreadPoint[];
  /** Computers it concerns now: what the curve can come to. */
  all: number;
  /** When it went live. */
  liveAt: string | null;
}

/** Height of the plot, and what is left around it for words; in the size of letters. */
const TALL = 16;
const AROUND = { left: 3, right: 1, top: 1.4, bottom: 2 };
const DAY = 86_400_000;

/** How many computers had an edition, and trouble with it, by when. */
export function Plot({ series, all, liveAt }: PlotProps) {
  const box = useRef<HTMLDivElement>(null);
  const [{ width, letter }, setSize] = useState({ width: 640, letter: 16 });
  const [at, setAt] = useState<number | null>(null);
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(([entry]) => {
      if (entry === undefined) return;
      const size = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
      setSize({ width: Math.max(240, Math.round(entry.contentRect.width)), letter: size });
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const points = series.map(({ at: time, installed, troubled }) => ({ at: Date.parse(time), installed, troubled }));
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined) return null;
  const levels = ticks(Math.max(all, last.installed, last.troubled, 1));
  const scale: Scale = { from: first.at, to: last.at, most: levels.at(-1) as number };
  const frame: Frame = {
    width,
    height: TALL * letter,
    left: AROUND.left * letter,
    right: AROUND.right * letter,
    top: AROUND.top * letter,
    bottom: AROUND.bottom * letter,
  };
  const curve = (of: 'installed' | 'troubled') =>
    steps(
      points.map((point) => ({ at: point.at, value: point[of] })),
      scale,
      frame,
    );
  const got = curve('installed');
  const base = yOf(0, scale, frame);
  const shortTime = last.at - first.at < 2 * DAY;
  const label = (time: number) => {
    const text = new Date(time).toISOString();
    return shortTime ? moment(text).slice(-5) : day(text).slice(5);
  };
  const times = moments(first.at, last.at, Math.min(6, Math.max(2, Math.floor(width / (7 * letter)))));
  const live = liveAt === null ? null : Date.parse(liveAt);
  const marked = at === null ? null : (points[at] ?? null);
  const step = (by: number) => setAt(Math.min(points.length - 1, Math.max(0, (at ?? points.length - 1) + by)));
  const told = marked ?? last;
  return (
    <figure class="plot" ref={box}>
      <p class="plot-told" aria-live="polite">
        <time>{moment(new Date(told.at).toISOString())}</time>
        <span class="tone-good">
          <i class="swatch solid" /> {number(told.installed)} have it
        </span>
        <span class="tone-bad">
          <i class="swatch dotted" /> {number(told.troubled)} in trouble
        </span>
        <span class="tone-quiet">
          <i class="swatch dashes" /> {number(all)} in all
        </span>
      </p>
      {/* Arrow keys go along the curve: the figures above follow. */}
      <svg
        viewBox={`0 0 ${width} ${frame.height}`}
        width={width}
        height={frame.height}
        role="slider"
        tabIndex={0}
        aria-label="Moment of the curve"
        aria-valuemin={0}
        aria-valuemax={points.length - 1}
        aria-valuenow={at ?? points.length - 1}
        aria-valuetext={`${moment(new Date(told.at).toISOString())}: ${number(told.installed)} have it, ${number(told.troubled)} in trouble`}
        onPointerMove={(event) => {
          const { left, width: wide } = event.currentTarget.getBoundingClientRect();
          const share = ((event.clientX - left) * width) / wide;
          const inside = (share - frame.left) / (width - frame.left - frame.right);
          setAt(nearest(points, scale.from + inside * (scale.to - scale.from)));
        }}
        onPointerLeave={() => setAt(null)}
        onBlur={() => setAt(null)}
        onKeyDown={(event) => {
          const by = { ArrowLeft: -1, ArrowRight: 1, Home: -points.length, End: points.length }[event.key];
          if (by === undefined) return;
          event.preventDefault();
          step(by);
        }}
      >
        {levels.map((level) => (
          <g key={level}>
            <line
              class="grid"
              x1={frame.left}
              x2={width - frame.right}
              y1={yOf(level, scale, frame)}
              y2={yOf(level, scale, frame)}
            />
            <text class="axis" x={frame.left - letter / 2} y={yOf(level, scale, frame) + letter / 4} text-anchor="end">
              {number(level)}
            </text>
          </g>
        ))}
        {times.map((time, index) => (
          <text
            key={time}
            class="axis"
            x={xOf(time, scale, frame)}
            y={frame.height - letter / 2}
            text-anchor={index === 0 ? 'start' : index === times.length - 1 ? 'end' : 'middle'}
          >
            {label(time)}
          </text>
        ))}
        <path class="area" d={`${got}V${base}H${xOf(first.at, scale, frame)}Z`} />
        <line
          class="goal"
          x1={frame.left}
          x2={width - frame.right}
          y1={yOf(all, scale, frame)}
          y2={yOf(all, scale, frame)}
        />
        {live === null || live < first.at || live > last.at ? null : (
          <g>
            <line class="event" x1={xOf(live, scale, frame)} x2={xOf(live, scale, frame)} y1={frame.top} y2={base} />
            <text
              class="axis event-word"
              x={xOf(live, scale, frame) + (xOf(live, scale, frame) > width - 6 * letter ? -letter / 2 : letter / 2)}
              y={frame.top - letter / 3}
              text-anchor={xOf(live, scale, frame) > width - 6 * letter ? 'end' : 'start'}
            >
              went live
            </text>
          </g>
        )}
        {points.every(({ troubled }) => troubled === 0) ? null : <path class="curve troubled" d={curve('troubled')} />}
        <path class="curve installed" d={got} />
        {marked === null ? null : (
          <g>
            <line
              class="cross"
              x1={xOf(marked.at, scale, frame)}
              x2={xOf(marked.at, scale, frame)}
              y1={frame.top}
              y2={base}
            />
            <circle class="dot" cx={xOf(marked.at, scale, frame)} cy={yOf(marked.installed, scale, frame)} r="4" />
          </g>
        )}
      </svg>
    </figure>
  );
}
