import type { Json } from '@d3/sdk';
import type { Condition } from './types.ts';

/** Whether a condition holds over facts. What is not there is null, and has nothing. */
export function holds(condition: Condition, facts: Json): boolean {
  if ('all' in condition) return condition.all.every((part) => holds(part, facts));
  if ('any' in condition) return condition.any.some((part) => holds(part, facts));
  if ('not' in condition) return !holds(condition.not, facts);
  const { is, oneOf, has, exists } = condition;
  const value = factAt(facts, condition.fact);
  if (is !== undefined && value !== is) return false;
  if (oneOf !== undefined && !oneOf.some((one) => one === value)) return false;
  if (has !== undefined && !contains(value, has)) return false;
  return exists === undefined || (value !== null) === exists;
}

/** In words, for whoever wants to know why. */
export function conditionText(condition: Condition): string {
  if ('all' in condition) return listed(condition.all, 'and');
  if ('any' in condition) return listed(condition.any, 'or');
  if ('not' in condition) return `not (${conditionText(condition.not)})`;
  const { fact, is, oneOf, has, exists } = condition;
  const parts: string[] = [];
  if (is !== undefined) parts.push(`${fact} is ${is}`);
  if (oneOf !== undefined) parts.push(`${fact} is one of ${oneOf.join(', ')}`);
  if (has !== undefined) parts.push(`${fact} has ${has}`);
  if (exists !== undefined) parts.push(exists ? `${fact} is known` : `${fact} is not known`);
  return parts.join(' and ');
}

function listed(conditions: readonly Condition[], word: string): string {
  return conditions.map((part) => `(${conditionText(part)})`).join(` ${word} `);
}

/** A fact by its path; what is no own part of the facts is not there. A name may have dots itself: the longest fits first. */
export function factAt(facts: Json, path: string): Json {
  if (facts === null || typeof facts !== 'object' || Array.isArray(facts)) return null;
  const tree = facts as Record<string, Json>;
  if (Object.hasOwn(tree, path)) return tree[path] ?? null;
  for (let dot = path.lastIndexOf('.'); dot > 0; dot = path.lastIndexOf('.', dot - 1)) {
    const name = path.slice(0, dot);
    if (Object.hasOwn(tree, name)) return factAt(tree[name] ?? null, path.slice(dot + 1));
  }
  return null;
}

/** A list has its items, an object its names. */
function contains(value: Json, wanted: string | number): boolean {
  if (Array.isArray(value)) return value.includes(wanted);
  return value !== null && typeof value === 'object' && Object.hasOwn(value, String(wanted));
}
