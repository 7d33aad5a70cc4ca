import { createHash } from 'node:crypto';
import type { AskedChange, AskedGroup } from '../../catalog/asked-changes.ts';
import { type CatalogCriteria, type Criteria, mapLeaves } from '../../catalog/criteria.ts';
import type { GroupBody, MirrorBody } from '../contract.ts';
import { asksRecords } from '../records.ts';
import type { DocumentBody, NewEdition, StoredDocument, StoredEdition } from '../store/contract.ts';

/** Documents that smart groups ask about. */
const RECORDS = new Set(['computer', 'department', 'building', 'site', 'ea']);

/** Notes what is asked of a served depot here, for who signs it: by the names under which the depot showed what was asked for. */
export class AskedHere {
  changes: readonly AskedChange[] = [];
  readonly #names = new Map<string, string>();
  readonly #mirrors = new Map<number, string>();

  shownEdition<E extends StoredEdition | null>(edition: E): E {
    if (edition !== null) this.#names.set(`edition ${edition.id}`, edition.edition);
    return edition;
  }

  shownDocument<D extends StoredDocument<DocumentBody> | null>(kind: string, document: D): D {
    if (document === null) return document;
    this.#names.set(`${kind} ${document.id}`, document.name);
    if (kind === 'mirror') this.#mirrors.set(document.id, (document.body as unknown as MirrorBody).url);
    return document;
  }

  /** All of it is signed, or in force. */
  done(): void {
    this.changes = [];
  }

  add(edition: NewEdition): void {
    this.#note({ what: 'add', edition });
  }

  restore(id: number): void {
    this.#note({ what: 'restore', id });
  }

  edition(what: 'live' | 'unlive' | 'delete', id: number): void {
    this.#note({ what, id, name: this.#nameOf('edition', id) });
  }

  update(id: number, changes: Extract<AskedChange, { what: 'update' }>['changes']): void {
    this.#note({ what: 'update', id, name: this.#nameOf('edition', id), changes });
  }

  records(): void {
    this.#note({ what: 'records' });
  }

  /** @param id null: a new one. @param changes null: it is to go */
  document(kind: string, id: number | null, changes: { name?: string; body?: DocumentBody } | null): void {
    if (RECORDS.has(kind)) this.records();
    const name = id === null ? (changes?.name ?? null) : this.#nameOf(kind, id);
    const body = changes?.body ?? null;
    const renamed = id !== null && changes !== null ? { newName: changes.name ?? name ?? '' } : {};
    if (kind === 'group') {
      const group = body === null ? null : groupOf(body as unknown as GroupBody);
      this.#note({ what: 'group', id, name, body: group, ...renamed });
    } else if (kind === 'policy') this.#note({ what: 'policy', id, name, body, ...renamed });
    else if (kind === 'mirror') {
      const { url, networks } = (body ?? {}) as unknown as MirrorBody;
      const was = id === null ? null : (this.#mirrors.get(id) ?? null);
      if (changes === null || body !== null)
        this.#note({ what: 'mirror', url: was, body: body === null ? null : { url, networks } });
    }
  }

  #note(change: AskedChange): void {
    this.changes = [...this.changes, change];
  }

  #nameOf(kind: string, id: number): string | null {
    return this.#names.get(`${kind} ${id}`) ?? null;
  }
}

function groupOf(body: GroupBody): AskedGroup {
  if (body.kind === 'static') {
    const hash = (id: string) => createHash('sha256').update(id).digest('hex');
    return { members: body.members.map(hash).sort(), criteria: null };
  }
  return { members: null, criteria: asMachinesJudge(body.criteria) };
}

/** @returns null where the depot's own records decide */
function asMachinesJudge(criteria: Criteria): CatalogCriteria | null {
  let asks = false;
  const same = mapLeaves(criteria, (criterion) => {
    asks ||= asksRecords(criterion);
    return criterion;
  });
  return asks ? null : (same as CatalogCriteria);
}
