import { D3Error, type MachineRecord } from '@d3/sdk';

/** What has to be known of a machine before it is deployed, and how that is read. */

/** One thing to know of a machine. */
export interface Attribute {
  /** `build`, `site`, `department`, `building`, or `ea:NAME`. */
  key: string;
  /** What people call it. */
  label: string;
  required: boolean;
  /** Whether somebody at the machine is asked for it. */
  asked: boolean;
  /** What is taken where nothing is said; null: nothing. */
  standard: string | null;
}

/** Values by key; one that is not known is not there. */
export type Values = Readonly<Record<string, string>>;

/** The record's answer: all that is needed is known, or something is missing. */
export type Reading =
  | { kind: 'complete'; values: Values; sources: Readonly<Record<string, Source>> }
  | {
      kind: 'incomplete';
      values: Values;
      sources: Readonly<Record<string, Source>>;
      missing: readonly Attribute[];
    };

/** Where a value comes from. */
export type Source = 'record' | 'default';

const PLACES = ['build', 'site', 'department', 'building'] as const;
const LABELS: Readonly<Record<string, string>> = {
  build: 'Build',
  site: 'Site',
  department: 'Department',
  building: 'Building',
};
/** Room for what a form can still show. */
const MOST = 50;

interface WrittenAttributes {
  attributes: readonly string[];
  optional: readonly string[];
  unasked: readonly string[];
  defaults: readonly string[];
}

/** @throws D3Error usage `PROVISION_SETTING` for what names nothing, or something that is not wanted */
export function readAttributes({ attributes, optional, unasked, defaults }: WrittenAttributes): Attribute[] {
  const keys = attributes.map((text) => keyOf(text, 'provision.attributes'));
  const twin = keys.find((key, at) => keys.indexOf(key) !== at);
  if (twin !== undefined) throw wrong('provision.attributes', `${twin} is named twice`);
  if (keys.length > MOST) throw wrong('provision.attributes', `there are more than ${MOST}`);
  const among = (list: readonly string[], setting: string) => {
    const named = list.map((text) => keyOf(text, setting));
    const stranger = named.find((key) => !keys.includes(key));
    if (stranger !== undefined) throw wrong(setting, `${stranger} is not among provision.attributes`);
    return new Set(named);
  };
  const standards = new Map(defaults.map(pairOf));
  among([...standards.keys()], 'provision.defaults');
  const may = among(optional, 'provision.optional');
  const silent = among(unasked, 'provision.unasked');
  return keys.map((key) => ({
    key,
    label: LABELS[key] ?? key.slice('ea:'.length),
    required: !may.has(key),
    asked: !silent.has(key),
    standard: standards.get(key) ?? null,
  }));
}

function keyOf(text: string, setting: string): string {
  const key = text.trim();
  if ((PLACES as readonly string[]).includes(key) || /^ea:[^\s,=][^,=\p{Cc}]{0,99}$/u.test(key)) return key;
  throw wrong(setting, `"${text}" is none of ${PLACES.join(', ')} and no ea:NAME`);
}

function pairOf(text: string): [string, string] {
  const at = text.indexOf('=');
  const value = text.slice(at + 1).trim();
  if (at < 1 || value === '') throw wrong('provision.defaults', `"${text}" is not KEY=VALUE`);
  return [keyOf(text.slice(0, at), 'provision.defaults'), value];
}

function wrong(setting: string, why: string): D3Error {
  return new D3Error('PROVISION_SETTING', 'usage', `${setting} cannot be used: ${why}.`, {
    target: setting,
    actions: [`d3 config set ${setting} …`],
  });
}

/** What a record says of each attribute; what is blank is not there. @param buildAttribute the extension attribute of builds */
export function valuesOf(
  record: Omit<MachineRecord, 'name'> | null,
  attributes: readonly Attribute[],
  buildAttribute: string,
): Values {
  if (record === null) return {};
  const byName = new Map(Object.entries(record.attributes).map(([name, value]) => [name.toLowerCase(), value]));
  const said = (key: string): string | null => {
    if (key === 'build') return byName.get(buildAttribute.toLowerCase()) ?? null;
    if (key === 'site' || key === 'department' || key === 'building') return record[key];
    return byName.get(key.slice('ea:'.length).toLowerCase()) ?? null;
  };
  return Object.fromEntries(
    attributes.flatMap(({ key }) => {
      const value = said(key)?.trim() ?? '';
      return value === '' ? [] : [[key, value]];
    }),
  );
}

/** A record is complete when all that is required is said, or has a default. Nothing wanted is always complete. */
export function readingOf(attributes: readonly Attribute[], said: Values): Reading {
  const sources: Record<string, Source> = {};
  const values: Record<string, string> = {};
  for (const { key, standard } of attributes) {
    const value = said[key]?.trim() || standard;
    if (value === null || value === undefined) continue;
    values[key] = value;
    sources[key] = said[key]?.trim() ? 'record' : 'default';
  }
  const missing = attributes.filter(({ key, required }) => required && values[key] === undefined);
  return missing.length === 0
    ? { kind: 'complete', values, sources }
    : { kind: 'incomplete', values, sources, missing };
}
