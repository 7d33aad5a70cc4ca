import { policySchema } from '../runs/policy-schema.ts';
import { type DocumentKind, registerDocumentKind } from './document-kinds.ts';
import { COMPUTER_ID } from './report-path.ts';
import { SHA256_PATTERN } from './schemas.ts';

/** Body: {@link GroupBody}. */
const group: DocumentKind = {
  kind: 'group',
  version: 1,
  inCatalog: true,
  bodySchema: {
    type: 'object',
    required: ['schema', 'kind', 'description', 'members'],
    properties: {
      schema: { const: 'd3/group@1' },
      kind: { const: 'static' },
      description: { type: 'string', maxLength: 10_000 },
      members: {
        type: 'array',
        uniqueItems: true,
        maxItems: 1_000_000,
        items: { type: 'string', pattern: COMPUTER_ID.source },
      },
    },
    additionalProperties: false,
  },
};

/** Body: {@link ScriptBody}. */
const script: DocumentKind = {
  kind: 'script',
  version: 1,
  inCatalog: false,
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
const policy: DocumentKind = { kind: 'policy', version: 1, inCatalog: true, bodySchema: policySchema };

/** Registers the kinds of core. Repeating it changes nothing. */
export function registerCoreKinds(): void {
  registerDocumentKind(group);
  registerDocumentKind(script);
  registerDocumentKind(mirror);
  registerDocumentKind(policy);
}
