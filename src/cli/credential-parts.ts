import type { CredentialParts } from '../config/credentials.ts';
import { keychainHere } from '../platform/keychain.ts';
import { ownProgramPaths } from '../platform/paths.ts';

/** Where this user's secrets are kept. */
export function credentialParts(env: Readonly<Record<string, string | undefined>>): CredentialParts {
  return { keychain: keychainHere, file: ownProgramPaths().credentials, environment: env['D3_CREDENTIALS'] };
}
