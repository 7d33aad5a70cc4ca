import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { D3Error } from '@d3/sdk';
import { problemsWith, refuseNewerSchema } from '../json-schema.ts';

/** A policy as it is written down by an admin, in JSON or YAML: groups by their names, scripts by name, id or file. */
export interface PolicyFile {
  description?: string;
  events?: string[];
  frequency?: string;
  scope?: {
    groups?: (string | number)[];
    excludedGroups?: (string | number)[];
    departments?: string[];
    buildings?: string[];
    provisioning?: Record<string, string[]>;
  };
  steps?: unknown[];
  /** Where files it names are looked for. */
  folder: string;
}

const MAX_BYTES = 1024 * 1024;

const texts = { type: 'array', items: { type: 'string' } };
const groups = { type: 'array', items: { type: ['string', 'integer'] } };
const shape = {
  type: 'object',
  properties: {
    schema: { const: 'd3/policy@1' },
    description: { type: 'string' },
    events: texts,
    frequency: { type: 'string' },
    scope: {
      type: 'object',
      properties: {
        groups,
        excludedGroups: groups,
        departments: texts,
        buildings: texts,
        provisioning: { type: 'object', additionalProperties: texts },
      },
      additionalProperties: false,
    },
    steps: { type: 'array' },
  },
  additionalProperties: false,
};

/** @throws D3Error usage naming the file when it cannot be read or is no policy; refused for one of a newer d3 */
export async function readPolicyFile(file: string): Promise<PolicyFile> {
  const value = await parsedFile(file);
  const { schema } = (value ?? {}) as { schema?: unknown };
  refuseNewerSchema(schema, 'policy', 1, file);
  const problem = await problemsWith(value, shape);
  if (problem !== null) throw unusable(file, `it is no policy: ${problem}`);
  return { ...(value as Omit<PolicyFile, 'folder'>), folder: path.dirname(file) };
}

async function parsedFile(file: string): Promise<unknown> {
  let text: string;
  try {
    if (statSync(file).size > MAX_BYTES) throw new Error('it is larger than 1 MiB');
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw unusable(file, (error as Error).message, error);
  }
  const { parse } = await import('yaml');
  try {
    return parse(text) as unknown;
  } catch (error) {
    throw unusable(file, (error as Error).message, error);
  }
}

function unusable(file: string, why: string, cause?: unknown): D3Error {
  return new D3Error('POLICY_FILE', 'usage', `The policy cannot be taken from ${file}: ${why}.`, {
    target: file,
    actions: ['it is JSON or YAML with description, events, scope, frequency and steps: docs/policies.md'],
    cause,
  });
}
