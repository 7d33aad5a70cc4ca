import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { isIP } from 'node:net';

/**
 * X.509 certificates for tests, made without any program: version 3, ECDSA with P-256 and SHA-256, good from an hour ago for two
 * days. Just what TLS looks at is in them (RFC 5280).
 */
export interface Certified {
  /** PEM. */
  cert: string;
  /** PEM, PKCS#8. */
  key: string;
}

export interface Authority extends Certified {
  /** A certificate for a server, signed by this authority. @param names host names and IPv4 addresses */
  issue(names: readonly string[]): Certified;
}

const HOUR = 3_600_000;

export function makeAuthority(name = 'd3 test authority'): Authority {
  const keys = pair();
  const cert = certificate({
    subject: name,
    issuer: name,
    names: [],
    isAuthority: true,
    key: keys.publicKey,
    by: keys,
  });
  return {
    ...pem(cert, keys.privateKey),
    issue(names) {
      const own = pair();
      const subject = names[0] ?? 'localhost';
      const issued = certificate({ subject, issuer: name, names, isAuthority: false, key: own.publicKey, by: keys });
      return pem(issued, own.privateKey);
    },
  };
}

/** One that vouches for itself. */
export function selfSigned(names: readonly string[] = ['localhost', '127.0.0.1']): Certified {
  const keys = pair();
  const subject = names[0] ?? 'localhost';
  const cert = certificate({ subject, issuer: subject, names, isAuthority: true, key: keys.publicKey, by: keys });
  return pem(cert, keys.privateKey);
}

function pair() {
  return generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
}

function pem(cert: Buffer, key: KeyObject): Certified {
  const lines = cert.toString('base64').replace(/.{64}/g, '$&\n').trimEnd();
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

interface Content {
  subject: string;
  issuer: string;
  names: readonly string[];
  isAuthority: boolean;
  key: KeyObject;
  by: { publicKey: KeyObject; privateKey: KeyObject };
}

function certificate({ subject, issuer, names, isAuthority, key, by }: Content): Buffer {
  const spki = key.export({ type: 'spki', format: 'der' });
  const serial = createHash('sha256').update(spki).digest().subarray(0, 8);
  serial[0] = ((serial[0] as number) & 0x7f) | 0x40;
  const now = Date.now();
  const extensions = [
    extension([85, 29, 19], sequence(...(isAuthority ? [der(0x01, Buffer.of(0xff))] : []))),
    ...(names.length === 0 ? [] : [extension([85, 29, 17], sequence(...names.map(alternative)))]),
  ];
  const content = sequence(
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, serial),
    ECDSA_SHA256,
    commonName(issuer),
    sequence(time(now - HOUR), time(now + 48 * HOUR)),
    commonName(subject),
    spki,
    der(0xa3, sequence(...extensions)),
  );
  const signature = sign('sha256', content, by.privateKey);
  return sequence(content, ECDSA_SHA256, der(0x03, Buffer.concat([Buffer.of(0), signature])));
}

/** One value in DER: its tag, its length, its bytes. */
function der(tag: number, ...parts: Buffer[]): Buffer {
  const bytes = Buffer.concat(parts);
  const { length } = bytes;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), bytes]);
  if (length < 0x100) return Buffer.concat([Buffer.of(tag, 0x81, length), bytes]);
  return Buffer.concat([Buffer.of(tag, 0x82, length >> 8, length & 0xff), bytes]);
}

function sequence(...parts: Buffer[]): Buffer {
  return der(0x30, ...parts);
}

/** 1.2.840.10045.4.3.2 */
const ECDSA_SHA256 = sequence(der(0x06, Buffer.of(42, 134, 72, 206, 61, 4, 3, 2)));

function extension(id: number[], value: Buffer): Buffer {
  return sequence(der(0x06, Buffer.from(id)), der(0x04, value));
}

function commonName(name: string): Buffer {
  return sequence(der(0x31, sequence(der(0x06, Buffer.of(85, 4, 3)), der(0x0c, Buffer.from(name)))));
}

function alternative(name: string): Buffer {
  if (isIP(name) === 4) return der(0x87, Buffer.from(name.split('.').map(Number)));
  return der(0x82, Buffer.from(name));
}

function time(at: number): Buffer {
  const digits = new Date(at)
    .toISOString()
    .slice(2)
    .replace(/[-:T]|\.\d+/g, '');
  return der(0x17, Buffer.from(digits));
}
