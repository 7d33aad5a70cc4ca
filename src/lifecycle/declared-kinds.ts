import type { DocumentDeclaration } from '@d3/sdk';

/** What is needed of an oclif plugin to find the kinds of documents it declares. */
interface DeclaringPlugin {
  pjson: { oclif?: unknown };
}

let plugins: () => Iterable<DeclaringPlugin> = () => [];

/** Says which plugins there are in this start; they are looked at when a depot is opened. */
export function kindsComeFrom(source: () => Iterable<DeclaringPlugin>): void {
  plugins = source;
}

/** Every kind that plugins declare, in their order. What one declares in a wrong way is not there. */
export function declaredKinds(): DocumentDeclaration[] {
  return [...plugins()].flatMap(({ pjson }) => {
    const { d3 } = (pjson.oclif ?? {}) as { d3?: { documents?: unknown } };
    return (Array.isArray(d3?.documents) ? d3.documents : []).filter(isDeclaration);
  });
}

const WRITERS = ['viewer', 'packager', 'releaser', 'admin'];

function isDeclaration(declared: unknown): declared is DocumentDeclaration {
  const { kind, version, writers, schema } = (declared ?? {}) as Record<string, unknown>;
  return (
    typeof kind === 'string' &&
    /^[a-z][a-z0-9-]*$/.test(kind) &&
    Number.isSafeInteger(version) &&
    WRITERS.includes(String(writers)) &&
    typeof schema === 'object' &&
    schema !== null
  );
}
