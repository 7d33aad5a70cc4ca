const WIDTH = 120;

/** JSON as people read it: what fits on a line stands on one. */
export function jsonText(value: unknown, indent = ''): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const isList = Array.isArray(value);
  const flat = flatText(value);
  if (indent.length + flat.length <= WIDTH) return flat;
  const inner = `${indent}  `;
  const parts = isList
    ? value.map((one) => jsonText(one, inner))
    : Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}: ${jsonText(one, inner)}`);
  const [open, close] = isList ? '[]' : '{}';
  return `${open}\n${parts.map((part) => `${inner}${part}`).join(',\n')}\n${indent}${close}`;
}

function flatText(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(flatText).join(', ')}]`;
  const parts = Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}: ${flatText(one)}`);
  return parts.length === 0 ? '{}' : `{ ${parts.join(', ')} }`;
}
