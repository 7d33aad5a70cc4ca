import { readXml, type XmlElement } from '@d3/flatpkg';
import { D3Error } from '@d3/sdk';
import type { CallName } from './calls.ts';
import type { Caller } from './connection.ts';

/**
 * What the Classic API answers, read as XML without entities or a document type.
 * @param root what its root has to be called
 */
export async function readClassic(
  caller: Caller,
  name: CallName,
  root: string,
  params: Readonly<Record<string, string>> = {},
): Promise<XmlElement> {
  const text = (await caller.call(name, { params })) as string;
  let found: XmlElement;
  try {
    found = readXml(Buffer.from(text), name);
  } catch (cause) {
    throw notXml(name, cause instanceof Error ? cause.message : String(cause), cause);
  }
  if (found.name !== root) throw notXml(name, `it begins with ${found.name}, not ${root}`);
  return found;
}

/** The elements of a list under a path: `['package_configuration', 'packages']`. */
export function listIn(parent: XmlElement, path: readonly string[], item: string): XmlElement[] {
  return inside(parent, path)?.children.filter(({ name }) => name === item) ?? [];
}

/** The text under a path; null where there is none. */
export function textIn(parent: XmlElement, path: readonly string[]): string | null {
  return inside(parent, path)?.text.trim() ?? null;
}

function inside(parent: XmlElement, path: readonly string[]): XmlElement | undefined {
  let here: XmlElement | undefined = parent;
  for (const step of path) here = here?.children.find(({ name }) => name === step);
  return here;
}

function notXml(name: CallName, why: string, cause?: unknown): D3Error {
  return new D3Error('JAMF_NOT_XML', 'depotUnreachable', `Jamf Pro answered ${name} with no XML d3 reads: ${why}`, {
    target: name,
    actions: ['Check that the address is that of Jamf Pro, and what lies between.'],
    cause,
  });
}
