import { D3Error } from '@d3/sdk';
import { BASENAME, MAX_REVISION, VERSION } from '../catalog/names.ts';
import { COMPUTER_ID, RUN_ID } from './report-path.ts';
import type { NewEdition } from './store/contract.ts';

/** JSON Schemas (draft-07) of what the depot keeps and takes in, and the one check against them. */

export const SHA256_PATTERN = '^[0-9a-f]{64}$';
const TIME_PATTERN = '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,9})?Z$';

const text = (maxLength: number) => ({ type: 'string', maxLength });
/** Text on one line, without control characters. */
const line = (maxLength: number) => ({ type: 'string', maxLength, pattern: '^[^\\u0000-\\u001f\\u007f]*$' });
const orNull = (schema: object) => ({ anyOf: [schema, { type: 'null' }] });
const object = (properties: Record<string, object>, additionalProperties = false) => ({
  type: 'object',
  required: Object.keys(properties),
  properties,
  additionalProperties,
});
/** With further properties that may be absent; what a newer d3 adds is let through. */
const withOptional = (required: Record<string, object>, optional: Record<string, object>) => ({
  ...object(required, true),
  properties: { ...required, ...optional },
});
const list = (items: object, maxItems: number) => ({ type: 'array', maxItems, items });

const sha256 = { type: 'string', pattern: SHA256_PATTERN };
const time = { type: 'string', pattern: TIME_PATTERN };
const bytes = { type: 'integer', minimum: 0 };
const id = { type: 'integer', minimum: 1 };
const revision = { type: 'integer', minimum: 1, maximum: MAX_REVISION };
const flag = { type: 'boolean' };

const scriptPin = orNull(object({ id, name: text(255), sha256, size: bytes }));
const groupRefs = list({ anyOf: [id, { const: 'standard' }] }, 10_000);
/** `standard` is every machine: nothing is kept from all. */
const groupIds = list(id, 10_000);

/** What only some editions have. */
const optionalOfEdition: Record<Exclude<keyof NewEdition, RequiredOfEdition>, object> = {
  debianPackage: object({
    name: text(255),
    version: text(255),
    architecture: text(255),
    depends: text(100_000),
    installedKb: bytes,
  }),
};

type RequiredOfEdition = {
  [Key in keyof NewEdition]-?: undefined extends NewEdition[Key] ? never : Key;
}[keyof NewEdition];

/** What an admin brings of an edition; the type keeps this complete. */
const newEditionProperties: Record<RequiredOfEdition, object> = {
  basename: { type: 'string', pattern: BASENAME.source },
  version: { type: 'string', pattern: VERSION.source },
  revision,
  packageName: line(255),
  category: orNull(text(255)),
  description: text(100_000),
  oses: list(text(100), 1_000),
  cpu: { enum: ['x86_64', 'arm64', null] },
  reboot: flag,
  removable: flag,
  removeFirst: flag,
  prohibitingProcesses: list(text(1_000), 1_000),
  autoGroups: groupRefs,
  excludedGroups: groupIds,
  preInstall: scriptPin,
  postInstall: scriptPin,
  preRemove: scriptPin,
  postRemove: scriptPin,
  expiration: { type: 'integer', minimum: 0, maximum: 1_000_000 },
  expirationPaths: list(text(4_096), 1_000),
  packageScripts: { enum: ['refuse', 'ignore'] },
  setuid: { enum: ['drop', 'keep'] },
  requires: list(text(100), 100),
  file: object({ name: { ...line(255), minLength: 1 }, sha256, size: bytes, format: { enum: ['pkg', 'dmg', 'deb'] } }),
  contents: orNull(sha256),
  applePackages: list(object({ id: text(1_000), version: text(1_000), installedKb: bytes }), 10_000),
};
export const newEditionSchema = {
  ...object(newEditionProperties),
  properties: { ...newEditionProperties, ...optionalOfEdition },
};

const queued = object(
  {
    basename: text(60),
    version: text(30),
    revision,
    edition: text(255),
    id,
    piloting: flag,
    admin: text(255),
    customExpiration: orNull({ type: 'integer', minimum: 0 }),
    queuedAt: time,
  },
  true,
);

/** A machine's report (`Report`). Additional properties are let through and ignored. */
export const reportSchema = withOptional(
  {
    schema: { const: 'd3/report@1' },
    run: { type: 'string', pattern: RUN_ID.source },
    at: time,
    computer: object(
      {
        id: { type: 'string', pattern: COMPUTER_ID.source },
        name: { ...line(255), minLength: 1 },
        claims: object({ serial: orNull(text(255)), hardwareUuid: orNull(text(255)), macs: list(text(64), 100) }, true),
      },
      true,
    ),
    os: object({ name: text(255), version: text(255) }, true),
    cpu: line(64),
    d3: line(64),
    command: text(10_000),
    exit: { type: 'integer', minimum: 0, maximum: 255 },
    outcomes: list(
      withOptional(
        {
          target: text(1_000),
          edition: orNull(text(255)),
          status: {
            enum: ['installed', 'uninstalled', 'failed', 'blocked', 'held', 'deferred', 'interrupted', 'refreshed'],
          },
          reason: orNull(text(100_000)),
        },
        { blockedBy: object({ processes: list(text(1_000), 1_000), since: time }, true) },
      ),
      100_000,
    ),
    receipts: list(
      withOptional(
        {
          basename: text(60),
          version: text(30),
          revision,
          edition: text(255),
          id,
          piloting: flag,
          frozen: flag,
          admin: text(255),
          installedAt: time,
        },
        { freeze: object({ by: text(255), at: time }, true), goneSince: time },
      ),
      100_000,
    ),
  },
  {
    model: orNull(text(255)),
    provisioning: { type: 'object', maxProperties: 100, additionalProperties: text(255) },
    queue: list(queued, 100_000),
  },
);

type Check = (value: unknown) => string | null;
const checks = new WeakMap<object, Check>();

/**
 * Checks a value against a JSON Schema.
 * @returns what is wrong, every problem with its place, or null
 */
export async function problemsWith(value: unknown, schema: object): Promise<string | null> {
  let check = checks.get(schema);
  if (check === undefined) {
    check = await compile(schema);
    checks.set(schema, check);
  }
  return check(value);
}

async function compile(schema: object): Promise<Check> {
  const { Ajv } = await import('ajv');
  const ajv = new Ajv({ allErrors: false, strict: true, strictRequired: false, allowUnionTypes: true });
  const validate = ajv.compile(schema);
  return (value) => {
    if (validate(value)) return null;
    return (validate.errors ?? [])
      .map((error) => `${error.instancePath === '' ? 'it' : error.instancePath} ${error.message ?? 'is wrong'}`)
      .join('; ');
  };
}

/**
 * Refuses a document that a newer d3 wrote, before anything else looks at it.
 * @param schema its `schema` property
 * @param name the part between `d3/` and `@`
 * @param version the newest version this d3 knows
 * @throws D3Error refused `SCHEMA_NEWER`
 */
export function refuseNewerSchema(schema: unknown, name: string, version: number, target: string): void {
  const match = typeof schema === 'string' ? /^d3\/([a-z0-9-]+)@(\d+)$/.exec(schema) : null;
  if (match === null || match[1] !== name || Number(match[2]) <= version) return;
  throw new D3Error(
    'SCHEMA_NEWER',
    'refused',
    `${target} has schema ${match[0]}; this d3 knows d3/${name} up to version ${version}. It was left as it is.`,
    { target, actions: ['Update d3 here.'] },
  );
}
