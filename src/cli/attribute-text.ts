import type { AttributeView } from '../admin/attribute-session.ts';

/** An attribute as an edition will have it, and where that comes from. */
export function inheritedText({ label, value, inheritedFrom }: AttributeView): string {
  return `${label}: ${value}${inheritedFrom === null ? '' : ` (from ${inheritedFrom})`}`;
}

/** An attribute as an edition has it, or what it becomes. */
export function changeText({ label, old, value }: AttributeView): string {
  return value === old ? `${label}: ${value}` : `${label}: ${old} => ${value}`;
}
