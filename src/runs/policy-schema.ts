import { exactly, line, list, stepsSchema } from './schema.ts';

/** A name is no number: that stands for an id. */
export const POLICY_NAME = '^(?!\\d+$)[^,\\u0000-\\u001f\\u007f]{1,100}$';
const name = { type: 'string', pattern: POLICY_NAME };
const groups = list({ anyOf: [{ type: 'integer', minimum: 1 }, { const: 'standard' }] }, 1000);

const scopeSchema = exactly({
  groups,
  excludedGroups: groups,
  departments: list(line(255), 1000),
  buildings: list(line(255), 1000),
  provisioning: {
    type: 'object',
    maxProperties: 100,
    propertyNames: { pattern: '^[A-Za-z][A-Za-z0-9_-]{0,59}$' },
    additionalProperties: list(line(255), 1000, 1),
  },
});

export const FREQUENCIES = ['once', 'ongoing', 'daily'] as const;

/** The body of a policy (draft-07). */
export const policySchema = exactly({
  schema: { const: 'd3/policy@1' },
  description: { type: 'string', maxLength: 10_000 },
  events: { ...list(name, 100), uniqueItems: true },
  scope: scopeSchema,
  frequency: { enum: [...FREQUENCIES] },
  steps: stepsSchema,
});
