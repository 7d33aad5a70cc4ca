import type { Run } from '../../test/support/screen.ts';

const WIDTH = 7.8;
const HEIGHT = 18;
const MARGIN = 16;

/** The sixteen colours of a terminal, such as can be read on the ground they have here. */
const COLOURS = [
  '#484f58',
  '#ff7b72',
  '#3fb950',
  '#d29922',
  '#58a6ff',
  '#bc8cff',
  '#39c5cf',
  '#b1bac4',
  '#6e7681',
  '#ffa198',
  '#56d364',
  '#e3b341',
  '#79c0ff',
  '#d2a8ff',
  '#56d4dd',
  '#f0f6fc',
];

/** Draws lines of a terminal. What is in them stays text, which can be selected and searched. */
export function terminalSvg(title: string, lines: readonly (readonly Run[])[]): string {
  const columns = Math.max(60, ...lines.map((line) => lengthOf(line)));
  const width = Math.ceil(columns * WIDTH + 2 * MARGIN);
  const height = lines.length * HEIGHT + 2 * MARGIN;
  const rows = lines.map((line, row) => {
    const y = MARGIN + (row + 0.75) * HEIGHT;
    return `<text x="${MARGIN}" y="${y}">${line.map(spanOf).join('')}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="100%" height="100%" rx="8" fill="#0d1117"/>`,
    `<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="13" fill="#e6edf3">`,
    ...rows,
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}

function lengthOf(line: readonly Run[]): number {
  return line.reduce((sum, { text }) => sum + text.length, 0);
}

function spanOf({ text, colour, isBold, isDim }: Run): string {
  const look = [
    colour === null ? '' : ` fill="${COLOURS[colour] ?? '#e6edf3'}"`,
    isBold ? ' font-weight="bold"' : '',
    isDim ? ' opacity="0.65"' : '',
  ].join('');
  // A length of its own keeps columns below each other in whatever font there is.
  const fixed = text.trim() === '' ? '' : ` textLength="${(text.length * WIDTH).toFixed(1)}"`;
  // Blanks that cannot be broken are not made one, as others would be.
  return `<tspan${look}${fixed}>${escaped(text).replaceAll(' ', '\u00a0')}</tspan>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
