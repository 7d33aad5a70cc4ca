const MAX_ALIASES = 100;
const MAX_DEPTH = 20;

/**
 * Reads YAML as plain data: whatever objects it speaks of, none is made, and a few lines cannot stand for millions.
 * @param options `version` of YAML; `maps`: names and values as a Map, whose names may be anything; `objects`: whether what
 *   speaks of some is read as if it did not, or is wrong
 * @throws Error that says what is wrong
 */
export async function plainYaml(
  text: string,
  options: { version: '1.1' | '1.2'; maps: boolean; objects: 'ignored' | 'wrong' },
): Promise<unknown> {
  const { parseDocument } = await import('yaml');
  const { version, maps, objects } = options;
  // A document too deep for the parser ends in a RangeError.
  const document = parseDocument(text, { version, uniqueKeys: true, logLevel: 'silent', merge: false });
  const [problem] = objects === 'wrong' ? [...document.errors, ...document.warnings] : document.errors;
  if (problem !== undefined) throw problem;
  return notTooDeep(document.toJS({ mapAsMap: maps, maxAliasCount: MAX_ALIASES }));
}

/** @throws Error when something is nested deeper than anything d3 reads */
export function notTooDeep<Value>(value: Value): Value {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAX_DEPTH) throw new Error(`it is nested deeper than ${MAX_DEPTH} levels`);
    level = level.flatMap((part) =>
      part instanceof Map ? [...part.values()] : typeof part === 'object' && part !== null ? Object.values(part) : [],
    );
  }
  return value;
}
