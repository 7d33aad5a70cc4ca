import { D3Error } from '@d3/sdk';
import { declaredKinds } from '../lifecycle/declared-kinds.ts';
import type { Rank } from './roles.ts';

/** A kind of document: its owner registers how its bodies look; the store checks every write against it. */
export interface DocumentKind {
  /** `[a-z][a-z0-9-]*`, e.g. `group`. */
  kind: string;
  /** Version N of `d3/<kind>@N` as this d3 writes it; bodies of version N − 1 are still accepted. */
  version: number;
  /** JSON Schema (draft-07) of a body. */
  bodySchema: object;
  /** Machines see it in the catalog: a change of one makes a new publication. */
  inCatalog: boolean;
  /** The rank it takes to change one on a served depot. */
  writers: Rank;
}

const kinds = new Map<string, DocumentKind>();

/** Registers what plugins declare. A kind that there is already stays as it is. */
export function registerDeclaredKinds(): void {
  for (const { kind, version, writers, schema } of declaredKinds()) {
    if (!kinds.has(kind)) kinds.set(kind, { kind, version, bodySchema: schema, inCatalog: false, writers });
  }
}

/** @throws D3Error bug `KIND_TAKEN` when another owner has the kind */
export function registerDocumentKind(kind: DocumentKind): void {
  if (!/^[a-z][a-z0-9-]*$/.test(kind.kind))
    throw new D3Error('KIND_INVALID', 'bug', `${kind.kind} is no document kind`);
  const known = kinds.get(kind.kind);
  if (known !== undefined && known !== kind) {
    throw new D3Error('KIND_TAKEN', 'bug', `The document kind ${kind.kind} is registered twice`, { target: kind.kind });
  }
  kinds.set(kind.kind, kind);
}

/** The names of all kinds, in order. */
export function documentKinds(): string[] {
  return [...kinds.keys()].toSorted();
}

/** @throws D3Error bug `KIND_UNKNOWN` */
export function documentKind(kind: string): DocumentKind {
  const known = kinds.get(kind);
  if (known !== undefined) return known;
  throw new D3Error('KIND_UNKNOWN', 'bug', `Nothing registered the document kind ${kind}`, { target: kind });
}
