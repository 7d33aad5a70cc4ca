import type { DepotComputer } from '@d3/sdk';
import type { JamfComputer } from '../connector/computers.ts';

/** What a computer says it can be known by, as it is compared. */
export interface Claims {
  serial: string | null;
  udid: string | null;
}

/** The computers of d3 by their claims; those that a pull makes known are noted, not read anew. */
export class Known {
  readonly #claims = new Map<string, Claims>();
  readonly #contacts = new Map<string, string>();
  readonly #ids = { serial: new Map<string, Set<string>>(), udid: new Map<string, Set<string>>() };

  constructor(computers: readonly DepotComputer[]) {
    for (const { id, claims, lastContact } of computers)
      this.note(id, { serial: claims.serial, udid: claims.hardwareUuid }, lastContact);
  }

  /** A computer said this of itself last. */
  note(id: string, said: { serial: unknown; udid: unknown }, lastContact: string): void {
    const before = this.#claims.get(id);
    const claims = { serial: claimIn(said.serial), udid: claimIn(said.udid) };
    for (const by of ['serial', 'udid'] as const) {
      const [old, now] = [before?.[by] ?? null, claims[by]];
      if (old !== null) this.#ids[by].get(old)?.delete(id);
      if (now !== null) this.#ids[by].set(now, (this.#ids[by].get(now) ?? new Set()).add(id));
    }
    this.#claims.set(id, claims);
    this.#contacts.set(id, lastContact);
  }

  /** The computer of d3 that makes one of these claims; null: none; several: it cannot be told. */
  whoIs({ serial, udid }: Claims): string | string[] | null {
    const found = new Set([
      ...((serial === null ? null : this.#ids.serial.get(serial)) ?? []),
      ...((udid === null ? null : this.#ids.udid.get(udid)) ?? []),
    ]);
    const [first = null] = found;
    return found.size <= 1 ? first : [...found].sort();
  }

  /** Null: d3 knows no such computer. */
  claimsOf(id: string): Claims | null {
    return this.#claims.get(id) ?? null;
  }

  /** When it last reported, ISO 8601; null: never. */
  contactOf(id: string): string | null {
    return this.#contacts.get(id) ?? null;
  }
}

/** The name of a computer of Jamf for people, and what it can be known by. */
export function claimsIn({ id, udid, general, hardware }: JamfComputer): Claims & { name: string } {
  return {
    name: general?.name?.trim() || `computer ${id}`,
    serial: claimIn(hardware?.serialNumber),
    udid: claimIn(udid),
  };
}

/** Whether one of the claims is the same; what nobody claims is not. */
export function fits(a: Claims, b: Claims): boolean {
  return (a.serial !== null && a.serial === b.serial) || (a.udid !== null && a.udid === b.udid);
}

/** However it is written: a claim is compared without case and edges. */
export function claimIn(value: unknown): string | null {
  const text = typeof value === 'string' ? value.trim().toUpperCase() : '';
  return text === '' ? null : text;
}
