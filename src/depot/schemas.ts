import { BASENAME, MAX_REVISION, VERSION } from '../catalog/names.ts';
import { COMPUTER_ID, RUN_ID } from './report-path.ts';
import type { NewEdition } from './store/contract.ts';

/** JSON Schemas (draft-07) of what the depot keeps and takes in. */

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
/** Larger ones are not exact, and no database gives them back. */
const maximum = Number.MAX_SAFE_INTEGER;
const bytes = { type: 'integer', minimum: 0, maximum };
const id = { type: 'integer', minimum: 1, maximum };
const revision = { type: 'integer', minimum: 1, maximum: MAX_REVISION };
const flag = { type: 'boolean' };

const scriptPin = orNull(object({ id, name: text(255), sha256, size: bytes }));
const groupRefs = list({ anyOf: [id, { const: 'standard' }] }, 10_000);
/** `standard` is every machine: nothing is kept from all. */
const groupIds = list(id, 10_000);

/** What only some editions have. */
const optionalOfEdition: Record<Exclude<keyof NewEdition, RequiredOfEdition>, object> = {
  firmExpiration: orNull({
    anyOf: [
      object({ on: { type: 'string', pattern: '^\\d{4}-\\d{2}-\\d{2}$' } }),
      object({ days: { type: 'integer', minimum: 1, maximum: 1_000_000 } }),
    ],
  }),
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
    customExpiration: orNull({ type: 'integer', minimum: 0, maximum }),
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
    computer: withOptional(
      {
        id: { type: 'string', pattern: COMPUTER_ID.source },
        name: { ...line(255), minLength: 1 },
        claims: object({ serial: orNull(text(255)), hardwareUuid: orNull(text(255)), macs: list(text(64), 100) }, true),
      },
      { user: orNull(text(255)) },
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
        {
          basename: orNull(text(60)),
          blockedBy: object({ processes: list(text(1_000), 1_000), since: time }, true),
        },
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
        {
          freeze: object({ by: text(255), at: time }, true),
          goneSince: time,
          manual: flag,
          attention: text(10_000),
        },
      ),
      100_000,
    ),
  },
  {
    model: orNull(text(255)),
    provisioning: { type: 'object', maxProperties: 100, additionalProperties: text(255) },
    provisioningComplete: flag,
    queue: list(queued, 100_000),
    catalogExpires: time,
    failure: text(10_000),
  },
);
