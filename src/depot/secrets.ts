import { createHash, randomBytes } from 'node:crypto';

/** Secrets of a served depot: long and random, so that their SHA-256 can be kept in their place and looked up. */

/** What they begin with: whoever finds one, a secret scanner too, sees what it opens. */
export const SECRET_KINDS = { token: 'd3t_', key: 'd3k_', code: 'd3c_', page: 'd3p_' } as const;
type SecretKind = keyof typeof SECRET_KINDS;

const BYTES = 32;
export const SECRET = /^d3[tkcp]_[A-Za-z0-9_-]{43}$/;

const SECRETS = /(?<kind>d3[tkcp]_)[A-Za-z0-9_-]{20,}/g;

/** A text as it may be logged. */
export function withoutSecrets(text: string): string {
  return text.replaceAll(SECRETS, '$<kind>…');
}

export function newSecret(kind: SecretKind): string {
  return `${SECRET_KINDS[kind]}${randomBytes(BYTES).toString('base64url')}`;
}

/** What is kept of a secret. */
export function secretHash(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
