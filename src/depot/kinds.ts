import { EA_TYPES, OPERATORS } from '../catalog/criteria.ts';
import { policySchema } from '../runs/policy-schema.ts';
import { type DocumentKind, registerDeclaredKinds, registerDocumentKind } from './document-kinds.ts';
import { COMPUTER_ID } from './report-path.ts';
import type { Rank } from './roles.ts';
import { SHA256_PATTERN } from './schemas.ts';

const description = { type: 'string', maxLength: 10_000 };
const line = { type: 'string', minLength: 1, maxLength: 255, pattern: '^[^\\u0000-\\u001f\\u007f]+$' };
const id = { type: 'integer', minimum: 1 };
/** All of the properties, and no others. */
const exactly = (properties: Record<string, object>) => ({
  type: 'object',
  required: Object.keys(properties),
  properties,
  additionalProperties: false,
});

const criterion = {
  ...exactly({ fact: line, op: { enum: [...OPERATORS] }, not: { type: 'boolean' }, value: line }),
  properties: { fact: line, op: { enum: [...OPERATORS] }, not: { type: 'boolean' }, value: line, document: id },
};
const several = { type: 'array', minItems: 1, maxItems: 100, items: { $ref: '#/definitions/criteria' } };

/** Body: {@link GroupBody}. */
const group: DocumentKind = {
  kind: 'group',
  version: 1,
  inCatalog: true,
  writers: 'releaser',
  bodySchema: {
    definitions: { criteria: { anyOf: [criterion, exactly({ all: several }), exactly({ any: several })] } },
    anyOf: [
      exactly({
        schema: { const: 'd3/group@1' },
        kind: { const: 'static' },
        description,
        members: {
          type: 'array',
          uniqueItems: true,
          maxItems: 1_000_000,
          items: { type: 'string', pattern: COMPUTER_ID.source },
        },
      }),
      exactly({
        schema: { const: 'd3/group@1' },
        kind: { const: 'smart' },
        description,
        criteria: { $ref: '#/definitions/criteria' },
      }),
    ],
  },
};

/** A kind whose documents are a name with a description. @param inCatalog whether smart groups may ask for it */
function named(kind: string, inCatalog: boolean, writers: Rank): DocumentKind {
  return {
    kind,
    version: 1,
    inCatalog,
    writers,
    bodySchema: exactly({ schema: { const: `d3/${kind}@1` }, description }),
  };
}
const category = named('category', false, 'packager');
const department = named('department', true, 'admin');
const building = named('building', true, 'admin');
const site = named('site', true, 'admin');

/** Body: {@link EaBody}. */
const ea: DocumentKind = {
  kind: 'ea',
  version: 1,
  inCatalog: true,
  writers: 'admin',
  bodySchema: exactly({
    schema: { const: 'd3/ea@1' },
    description,
    type: { enum: [...EA_TYPES] },
    choices: { type: 'array', uniqueItems: true, maxItems: 1000, items: line },
  }),
};

const said = {
  name: { anyOf: [line, { type: 'null' }] },
  department: { anyOf: [id, { type: 'null' }] },
  building: { anyOf: [id, { type: 'null' }] },
  site: { anyOf: [id, { type: 'null' }] },
  attributes: { type: 'object', propertyNames: { pattern: '^[0-9]+$' }, additionalProperties: line },
};

/** Body: {@link ComputerBody}. What it says decides who is in a smart group. */
const computer: DocumentKind = {
  kind: 'computer',
  version: 1,
  inCatalog: true,
  writers: 'admin',
  bodySchema: exactly({ schema: { const: 'd3/computer@1' }, ...said }),
};

/**
 * What is said of a computer before anything was heard of it, by its serial number. With its first report it becomes the computer's
 * own record.
 */
const computerAhead: DocumentKind = {
  kind: 'computer-ahead',
  version: 1,
  inCatalog: false,
  writers: 'admin',
  bodySchema: exactly({ schema: { const: 'd3/computer-ahead@1' }, ...said }),
};

/** Body: {@link ScriptBody}. */
const script: DocumentKind = {
  kind: 'script',
  version: 1,
  inCatalog: false,
  writers: 'packager',
  bodySchema: {
    type: 'object',
    required: ['schema', 'sha256', 'size', 'description'],
    properties: {
      schema: { const: 'd3/script@1' },
      sha256: { type: 'string', pattern: SHA256_PATTERN },
      size: { type: 'integer', minimum: 0 },
      description: { type: 'string', maxLength: 10_000 },
    },
    additionalProperties: false,
  },
};

/** Body: {@link MirrorBody}. */
const mirror: DocumentKind = {
  kind: 'mirror',
  version: 1,
  inCatalog: true,
  writers: 'admin',
  bodySchema: {
    type: 'object',
    required: ['schema', 'url', 'networks', 'priority'],
    properties: {
      schema: { const: 'd3/mirror@1' },
      url: { type: 'string', minLength: 1, maxLength: 2000 },
      networks: { type: 'array', maxItems: 1000, items: { type: 'string', maxLength: 100 } },
      priority: { type: 'integer', minimum: 0, maximum: 1000 },
    },
    additionalProperties: false,
  },
};

/** Body: {@link PolicyBody}. */
const policy: DocumentKind = {
  kind: 'policy',
  version: 1,
  inCatalog: true,
  writers: 'releaser',
  bodySchema: policySchema,
};

/** Registers the kinds of core and of plugins. Repeating it changes nothing. */
export function registerKinds(): void {
  registerDocumentKind(group);
  for (const kind of [category, department, building, site, ea, computer, computerAhead]) registerDocumentKind(kind);
  registerDocumentKind(script);
  registerDocumentKind(mirror);
  registerDocumentKind(policy);
  registerDeclaredKinds();
}
