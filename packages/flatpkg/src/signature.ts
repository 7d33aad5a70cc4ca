import { X509Certificate } from 'node:crypto';
import { readFrom } from './fd.ts';
import type { XarSignature } from './xar/signatures.ts';

/** What a package says about who signed it. */
export interface Signature {
  /** Kinds of signature that are there: `RSA`, `CMS`. */
  kinds: string[];
  /** Common name in the first certificate, null when it cannot be read. */
  subject: string | null;
  /** Apple's id of the signer's team, null when the certificate names none. */
  teamId: string | null;
  /** Common names of all certificates, the signer's first. */
  chain: string[];
  /** Whether a notarization ticket is stapled to the file. */
  notarizationTicket: boolean;
  /** Only who has asked `pkgutil` may say more. */
  verified: 'not verified here' | 'verified by pkgutil';
}

/** Null for a package that is not signed and has no ticket. */
export function describeSignature(signatures: readonly XarSignature[], ticket: boolean): Signature | null {
  if (signatures.length === 0 && !ticket) return null;
  const certificates = (signatures[0]?.certificates ?? []).map(readNames);
  return {
    kinds: signatures.map(({ style }) => style),
    subject: certificates[0]?.commonName ?? null,
    teamId: certificates[0]?.unit ?? null,
    chain: certificates.map(({ commonName }) => commonName ?? 'unreadable certificate'),
    notarizationTicket: ticket,
    verified: 'not verified here',
  };
}

function readNames(der: Buffer): { commonName: string | null; unit: string | null } {
  try {
    const subject = new X509Certificate(der).toLegacyObject().subject as unknown as Record<string, unknown>;
    return { commonName: nameIn(subject['CN']), unit: nameIn(subject['OU']) };
  } catch {
    return { commonName: null, unit: null };
  }
}

/** A part of a name that is there more than once comes as a list. */
function nameIn(value: unknown): string | null {
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return typeof first === 'string' ? first : null;
}

const RECORD = 16;
const TICKET_TYPE = 2;

// Real ones have less than two kilobytes.
const MAX_TICKET = 1024 * 1024;

/**
 * The ticket stapled to a file, null when there is none: a record of 16 bytes at the end says how long the ticket before
 * it is. Apple documents none of this; the layout is inferred from packages.
 */
export function readTicket(fd: number, size: number): Buffer | null {
  const record = readAt(fd, size - RECORD, RECORD);
  if (record === null || record.toString('latin1', 0, 4) !== 't8lr' || record.readUInt16LE(6) !== TICKET_TYPE) {
    return null;
  }
  const length = record.readUInt32LE(8);
  const ticket = length > MAX_TICKET ? null : readAt(fd, size - RECORD - length, length);
  return ticket?.toString('latin1', 0, 4) === 's8ch' ? ticket : null;
}

/**
 * Whether a ticket names a table of contents by its checksum, as the ticket of a package does; null when its list of
 * checksums is not where it should be.
 */
export function ticketNames(ticket: Buffer, tocHash: Buffer): boolean | null {
  const at = ticket.indexOf('g8tk', 0, 'latin1');
  if (at === -1 || ticket.length < at + 24) return null;
  const each = ticket.readUInt16LE(at + 6);
  const count = ticket.readUInt32LE(at + 8);
  const start = at + 24;
  if (each === 0 || start + count * (1 + each) > ticket.length) return null;
  const wanted = tocHash.subarray(0, each);
  for (let index = 0; index < count; index += 1) {
    const entry = start + index * (1 + each) + 1;
    if (ticket.subarray(entry, entry + each).equals(wanted)) return true;
  }
  return false;
}

function readAt(fd: number, position: number, length: number): Buffer | null {
  if (position < 0) return null;
  const bytes = Buffer.alloc(length);
  return readFrom(fd, position, bytes) === length ? bytes : null;
}
