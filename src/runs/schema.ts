/** JSON Schemas (draft-07) of steps and runs, and of the args of the kinds core has. */

const text = (maxLength: number) => ({ type: 'string', maxLength });
/** Text on one line, without control characters. */
export const line = (maxLength: number) => ({
  type: 'string',
  minLength: 1,
  maxLength,
  pattern: '^[^\\u0000-\\u001f\\u007f]*$',
});
const time = { type: 'string', pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,9})?Z$' };
const orNull = (schema: object) => ({ anyOf: [schema, { type: 'null' }] });
export const list = (items: object, maxItems: number, minItems = 0) => ({ type: 'array', minItems, maxItems, items });
/** Just these properties; `optional` ones may be left out. */
export const exactly = (required: Record<string, object>, optional: Record<string, object> = {}) => ({
  type: 'object',
  required: Object.keys(required),
  properties: { ...required, ...optional },
  additionalProperties: false,
});

const fact = { type: 'string', minLength: 1, maxLength: 255, pattern: '^[A-Za-z0-9@_][A-Za-z0-9@/_.+-]*$' };
const value = { type: ['string', 'number'] };
const conditions = list({ $ref: '#' }, 100, 1);

/** A condition; within it `#` is the condition itself. */
const conditionSchema = {
  $id: 'condition',
  anyOf: [
    {
      ...exactly(
        { fact },
        {
          is: { type: ['string', 'number', 'boolean', 'null'] },
          oneOf: list(value, 1000, 1),
          has: value,
          exists: { type: 'boolean' },
        },
      ),
      minProperties: 2,
    },
    exactly({ all: conditions }),
    exactly({ any: conditions }),
    exactly({ not: { $ref: '#' } }),
  ],
};

const DAY = 86_400;
const seconds = (minimum: number) => ({ type: 'integer', minimum, maximum: 30 * DAY });
const retries = { type: 'integer', minimum: 0, maximum: 100 };

/** Steps one run may have. */
export const MAX_STEPS = 500;

/** A step; what its args are is for its kind to say. */
const stepSchema = exactly(
  { kind: { type: 'string', pattern: '^[a-z][a-z0-9-]{0,59}$' } },
  {
    args: { type: 'object' },
    name: line(255),
    timeout: orNull(seconds(1)),
    retries: {
      anyOf: [
        retries,
        exactly(
          { times: retries },
          { wait: seconds(0), factor: { type: 'number', minimum: 1, maximum: 100 }, most: seconds(1) },
        ),
      ],
    },
    required: { type: 'boolean' },
    onFailure: { enum: ['continue', 'hold', 'stop'] },
    when: conditionSchema,
  },
);

export const stepsSchema = list(stepSchema, MAX_STEPS, 1);

export const RUN_ID = '^[A-Za-z0-9][A-Za-z0-9._-]{0,149}$';

const decided = exactly({ by: text(255), at: time, why: text(10_000) });
const environment = {
  type: 'object',
  maxProperties: 100,
  propertyNames: { pattern: '^D3_[A-Z0-9_]{1,60}$' },
  additionalProperties: { type: 'string', maxLength: 100_000, pattern: '^[^\\u0000]*$' },
};

const problem = exactly({ code: text(255), exit: text(40), actions: list(text(10_000), 100) });

const runStep = exactly({
  step: stepSchema,
  state: { enum: ['pending', 'started', 'done', 'failed', 'skipped'] },
  attempts: { type: 'integer', minimum: 0 },
  failures: { type: 'integer', minimum: 0 },
  startedAt: orNull(time),
  endedAt: orNull(time),
  notBefore: orNull(time),
  text: text(100_000),
  problem: orNull(problem),
  skipped: orNull(decided),
  data: {},
});

/** A run as it is stored: {@link Run}. */
export const runSchema = exactly({
  schema: { const: 'd3/step-run@1' },
  id: { type: 'string', pattern: RUN_ID },
  origin: exactly({
    kind: { enum: ['policy', 'provisioning', 'deployment', 'other'] },
    id: orNull({ type: 'integer', minimum: 1 }),
    name: text(255),
    event: orNull(text(255)),
  }),
  parent: orNull({ type: 'string', pattern: RUN_ID }),
  by: text(255),
  createdAt: time,
  endedAt: orNull(time),
  state: { enum: ['running', 'waiting', 'holding', 'done', 'failed', 'cancelled'] },
  text: text(100_000),
  cursor: { type: 'integer', minimum: 0, maximum: MAX_STEPS },
  steps: list(runStep, MAX_STEPS, 1),
  environment,
  cancel: orNull(decided),
  lease: orNull(exactly({ owner: text(255), until: time, generation: { type: 'integer', minimum: 1 } })),
  leases: { type: 'integer', minimum: 0 },
  generation: { type: 'integer', minimum: 1 },
});

const targets = list(line(255), 100, 1);
const flag = { type: 'boolean' };
const sha256 = { type: 'string', pattern: '^[0-9a-f]{64}$' };

/** The args of each kind core has. A depot checks policies by these, a machine checks them again before it runs anything. */
export const CORE_KINDS = {
  install: exactly({ targets }, { force: flag, puppies: flag }),
  uninstall: exactly({ targets }, { force: flag }),
  sync: exactly({}, { puppies: flag }),
  script: exactly(
    {
      script: exactly({
        id: { type: 'integer', minimum: 1 },
        name: line(255),
        sha256,
        size: { type: 'integer', minimum: 0 },
      }),
    },
    { parameters: list({ type: 'string', maxLength: 10_000, pattern: '^[^\\u0000]*$' }, 8) },
  ),
  policy: exactly({ policy: line(255) }),
  reboot: exactly({}),
  wait: {
    ...exactly({}, { seconds: seconds(0), until: time, for: conditionSchema, every: seconds(1) }),
    minProperties: 1,
    dependencies: { every: ['for'] },
  },
  assert: exactly({ that: conditionSchema }, { message: text(1000) }),
  service: exactly({
    name: { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9@:._-]{0,254}$' },
    action: { enum: ['start', 'stop', 'restart', 'enable', 'disable'] },
  }),
} satisfies Record<string, object>;

export type CoreKind = keyof typeof CORE_KINDS;
