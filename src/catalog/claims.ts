/** What a machine says it is besides its id: what tells it from others, and what only looks so. */

export interface Claims {
  serial: string | null;
  hardwareUuid: string | null;
  macs: string[];
}

/** One claim by which a machine is known again. */
export interface Claim {
  kind: 'serial' | 'hardware-uuid';
  /** Without regard to case. */
  value: string;
}

/** What makers write where there is no number. */
const SAYS_NOTHING =
  /^(?:0+|1234567890?|none|n\/a|not (?:specified|applicable|available)|unknown|default string|to be filled by o\.e\.m\.?|system serial number|empty|invalid|[f-]+|[0-]+|x+)$/;

/** Claims that tell a machine from others. Addresses do not: adapters go from machine to machine. */
export function tellingClaims({ serial, hardwareUuid }: Claims): Claim[] {
  const claims: Claim[] = [];
  const add = (kind: Claim['kind'], said: string | null) => {
    const value = said?.trim().toLowerCase() ?? '';
    if (value !== '' && !SAYS_NOTHING.test(value)) claims.push({ kind, value });
  };
  add('serial', serial);
  add('hardware-uuid', hardwareUuid);
  return claims;
}
