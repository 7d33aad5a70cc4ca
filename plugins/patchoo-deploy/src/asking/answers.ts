import { readFileSync } from 'node:fs';
import { D3Error } from '@d3/sdk';
import { type ScriptedAnswer, ScriptedScreen } from '@d3/show';

type Written = Record<string, ScriptedAnswer | ScriptedAnswer[]>;

/**
 * Answers that were written down: `{"name": {"values": {"name": "lab-1"}}, "summary": {"button": "continue"}}`, by screen.
 * @throws D3Error usage for a file that holds none
 */
export function answersFrom(file: string): ScriptedScreen {
  let found: unknown;
  try {
    found = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw wrong(file, (error as Error).message, error);
  }
  if (!isObject(found)) throw wrong(file, 'it is no JSON object of answers by screen');
  for (const [id, given] of Object.entries(found))
    for (const one of Array.isArray(given) ? given : [given])
      if (!isAnswer(one)) throw wrong(file, `what it has for ${id} is no answer`);
  return new ScriptedScreen(found as Written);
}

function isAnswer(value: unknown): boolean {
  if (!isObject(value) || Object.keys(value).some((key) => key !== 'button' && key !== 'values')) return false;
  const { button, values } = value;
  if (button !== undefined && typeof button !== 'string') return false;
  return values === undefined || (isObject(values) && Object.values(values).every((text) => typeof text === 'string'));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wrong(file: string, why: string, cause?: unknown): D3Error {
  return new D3Error('ANSWERS', 'usage', `The answers in ${file} cannot be used: ${why}.`, {
    target: '--answers',
    actions: ['{"name": {"values": {"name": "lab-1"}}, "build": {"values": {"value": "studio"}}}'],
    cause,
  });
}
