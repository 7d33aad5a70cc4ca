import type { OperatingSystem } from '../catalog/limits.ts';

/**
 * Reads the text of a distribution's os-release (os-release(5)): `ID`, `VERSION_ID` and `ID_LIKE`, the last of each.
 * @returns `linux` where it does not say which; `rolling` where it has no versions
 */
export function parseOsRelease(text: string): OperatingSystem {
  const values = new Map(
    text.split('\n').flatMap((line): [string, string][] => {
      const match = /^\s*(ID|VERSION_ID|ID_LIKE)=(.*)$/.exec(line);
      return match === null ? [] : [[match[1] as string, unquoted((match[2] as string).trim())]];
    }),
  );
  const like = (values.get('ID_LIKE') ?? '').split(/\s+/).filter((name) => name !== '');
  return { name: values.get('ID') || 'linux', version: values.get('VERSION_ID') || 'rolling', like };
}

/** As a shell would read a word without anything to replace in it. */
function unquoted(word: string): string {
  const quoted = /^'([^']*)'$/.exec(word) ?? /^"((?:[^"\\]|\\.)*)"$/.exec(word);
  return (quoted?.[1] ?? word).replaceAll(/\\(.)/g, '$1');
}
