import type { Configuration, Origin } from '../config/layers.ts';

/** A value as a person reads it; `-` when nothing is set. */
export function valueText(value: unknown): string {
  if (value === null) return '-';
  if (Array.isArray(value)) return value.length === 0 ? '-' : value.join(', ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

const LAYERS: Record<Origin['layer'], string> = {
  default: 'default',
  ancestor: "the ancestor's",
  file: '',
  managed: 'managed:',
};

export function originText({ layer, place }: Origin): string {
  return [LAYERS[layer], place].filter((part) => part !== null && part !== '').join(' ');
}

/** What of the ancestor's files means nothing here; warnings. */
export function noteTexts({ notes }: Configuration): string[] {
  return notes.map(({ place, text }) => `${place}: ${text}`);
}
