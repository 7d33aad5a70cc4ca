import { damaged, printable, unsupported } from './errors.ts';
import { DEFAULT_XML_LIMITS, escapeXml, readXml, type XmlElement } from './xml.ts';

type PlistValue = string | number | boolean | Date | Buffer | PlistValue[] | Plist;

/** A dictionary of a property list. Whoever asks says what has to be there: another type is damage. */
export class Plist {
  readonly #member: string;
  readonly #values: ReadonlyMap<string, PlistValue>;

  constructor(member: string, values: ReadonlyMap<string, PlistValue>) {
    this.#member = member;
    this.#values = values;
  }

  entries(): Iterable<[string, PlistValue]> {
    return this.#values;
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  /** Null when there is no such key, as from the others. */
  string(key: string): string | null {
    const value = this.#values.get(key) ?? null;
    if (value === null || typeof value === 'string') return value;
    throw this.#wrongType(key, 'a string');
  }

  /** A string, or a number as text: versions are written either way. */
  text(key: string): string | null {
    const value = this.#values.get(key) ?? null;
    return typeof value === 'number' ? String(value) : this.string(key);
  }

  integer(key: string): number | null {
    const value = this.#values.get(key) ?? null;
    if (value === null || (typeof value === 'number' && Number.isSafeInteger(value))) return value;
    throw this.#wrongType(key, 'an integer');
  }

  boolean(key: string): boolean | null {
    const value = this.#values.get(key) ?? null;
    if (value === null || typeof value === 'boolean') return value;
    throw this.#wrongType(key, 'true or false');
  }

  #wrongType(key: string, wanted: string): Error {
    return damaged('PLIST_TYPE', `"${printable(key)}" is not ${wanted}`, this.#member);
  }
}

/**
 * Reads an XML property list whose outermost value is a dictionary. Its usual document type may be there and is not
 * looked at. The caller bounds the size; `member` names it in errors. Throws FlatpkgError.
 */
export function readPlist(bytes: Buffer, member: string): Plist {
  const value = outermost(bytes, member);
  if (value.name !== 'dict') throw damaged('PLIST', 'is not a property list of one dictionary', member);
  return dictionaryOf(value, member);
}

function outermost(bytes: Buffer, member: string): XmlElement {
  if (bytes.toString('latin1', 0, 6) === 'bplist') {
    throw unsupported('PLIST_BINARY', 'is a binary property list; only those in XML are read here', member);
  }
  const root = readXml(bytes, member, { ...DEFAULT_XML_LIMITS, externalDoctype: true });
  const [value] = root.children;
  if (root.name !== 'plist' || root.children.length !== 1 || value === undefined) {
    throw damaged('PLIST', 'is not a property list of one value', member);
  }
  return value;
}

/** A property list's value as plain data; a dictionary has no prototype. */
export type PlainPlist = string | number | boolean | Date | Buffer | PlainPlist[] | { [key: string]: PlainPlist };

/**
 * Reads an XML property list whatever its outermost value is, as programs of a Mac print them. The caller bounds the size;
 * `member` names it in errors. Throws FlatpkgError.
 */
export function readPlainPlist(bytes: Buffer, member: string): PlainPlist {
  return plain(valueOf(outermost(bytes, member), member));
}

function plain(value: PlistValue): PlainPlist {
  if (Array.isArray(value)) return value.map(plain);
  if (!(value instanceof Plist)) return value;
  const dictionary: { [key: string]: PlainPlist } = Object.create(null);
  for (const [key, part] of value.entries()) dictionary[key] = plain(part);
  return dictionary;
}

function dictionaryOf(element: XmlElement, member: string): Plist {
  const values = new Map<string, PlistValue>();
  for (let index = 0; index < element.children.length; index += 2) {
    const key = element.children[index];
    const value = element.children[index + 1];
    if (key?.name !== 'key' || key.children.length > 0 || value === undefined) {
      throw damaged('PLIST', 'has a dictionary that is not made of keys and values', member);
    }
    if (values.has(key.text)) throw damaged('PLIST', `has two values for "${printable(key.text)}"`, member);
    values.set(key.text, valueOf(value, member));
  }
  return new Plist(member, values);
}

function valueOf(element: XmlElement, member: string): PlistValue {
  const { name, children, text } = element;
  if (name === 'dict') return dictionaryOf(element, member);
  if (name === 'array') return children.map((child) => valueOf(child, member));
  const value = children.length > 0 ? undefined : SIMPLE.get(name)?.(text.trim(), text);
  if (value !== undefined) return value;
  const shown = `<${printable(name)}>${printable(text.slice(0, 100))}`;
  throw damaged('PLIST', `has the value ${shown}, which no property list has`, member);
}

/** By the name of the element; undefined for what does not fit it. */
const SIMPLE = new Map<string, (text: string, whole: string) => PlistValue | undefined>([
  ['string', (_, whole) => whole],
  ['true', (text) => (text === '' ? true : undefined)],
  ['false', (text) => (text === '' ? false : undefined)],
  ['integer', (text) => (/^[+-]?\d{1,20}$/.test(text) ? Number(text) : undefined)],
  ['real', (text) => (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined)],
  ['date', (text) => (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) ? new Date(text) : undefined)],
  ['data', (text) => (/^[A-Za-z0-9+/=\s]*$/.test(text) ? Buffer.from(text, 'base64') : undefined)],
]);

/** A property list's value as it can be written; keys stand in the order they have. */
export type WrittenPlist =
  | string
  | number
  | boolean
  | Date
  | Buffer
  | readonly WrittenPlist[]
  | ReadonlyMap<string, WrittenPlist>
  | { readonly [key: string]: WrittenPlist };

/**
 * Writes an XML property list that {@link readPlainPlist} and Apple's programs read. Dates are to the second.
 * @param comment stands before the value; null: none
 * @throws RangeError for a text with characters XML cannot hold, and for a number or date no property list has
 */
export function writePlist(value: WrittenPlist, comment: string | null = null): string {
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    ...(comment === null ? [] : [`<!-- ${escapeXml(comment).replaceAll('--', '- -')} -->`]),
    '<plist version="1.0">',
    ...written(value, ''),
    '</plist>',
    '',
  ].join('\n');
}

/** Lines. */
function written(value: WrittenPlist, indent: string): string[] {
  if (typeof value === 'string') return [`${indent}<string>${escapeXml(value)}</string>`];
  if (typeof value === 'boolean') return [`${indent}<${value}/>`];
  if (typeof value === 'number') return [indent + writtenNumber(value)];
  if (value instanceof Date) return [`${indent}<date>${writtenDate(value)}</date>`];
  if (Buffer.isBuffer(value)) return [`${indent}<data>${value.toString('base64')}</data>`];
  if (isList(value))
    return framed(
      'array',
      indent,
      value.flatMap((part) => written(part, `${indent}  `)),
    );
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  const lines = entries.flatMap(([key, part]) => [
    `${indent}  <key>${escapeXml(key)}</key>`,
    ...written(part, `${indent}  `),
  ]);
  return framed('dict', indent, lines);
}

function isList(value: WrittenPlist): value is readonly WrittenPlist[] {
  return Array.isArray(value);
}

function framed(name: string, indent: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [`${indent}<${name}/>`] : [`${indent}<${name}>`, ...lines, `${indent}</${name}>`];
}

function writtenNumber(value: number): string {
  if (Number.isSafeInteger(value)) return `<integer>${value}</integer>`;
  if (Number.isFinite(value)) return `<real>${value}</real>`;
  throw new RangeError(`no property list has the number ${value}`);
}

function writtenDate(value: Date): string {
  const text = Number.isNaN(value.getTime()) ? '' : value.toISOString();
  // Before the year 0 and after 9999 it has a sign and more digits.
  if (!/^\d/.test(text)) throw new RangeError('no property list has that date');
  return text.replace(/\.\d+Z$/, 'Z');
}
