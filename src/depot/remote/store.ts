import type { StatusChange } from '../../catalog/lifecycle.ts';
import type { StoredStatus } from '../../catalog/types.ts';
import type { KeptLine, LogLine, Run, RunBrief, RunStore } from '../../runs/types.ts';
import { documentKind } from '../document-kinds.ts';
import type {
  AdminStore,
  Computer,
  DeletedEdition,
  DocumentBodies,
  DocumentBody,
  Documents,
  EditionStore,
  Enrolment,
  EnrolmentCode,
  HistoryEvent,
  HistoryFilter,
  HistoryStore,
  HistoryTarget,
  KeptReport,
  PublicationRecord,
  StoredDocument,
  StoredEdition,
  Token,
} from '../store/contract.ts';
import { type Api, part } from './api.ts';
import { AskedHere } from './asked.ts';

/** Computers asked about at once. */
const COMPUTERS_AT_ONCE = 200;

/** The store of a served depot. Who acts is known there by the token; what is handed over here as `by` only picks it. */
export class RemoteStore implements AdminStore {
  readonly editions: EditionStore;
  readonly history: AdminStore['history'];
  readonly computers: AdminStore['computers'];
  readonly publication: AdminStore['publication'];
  readonly runs: RunStore;
  readonly tokens: AdminStore['tokens'];
  readonly enrolments: AdminStore['enrolments'];
  /** What was asked of it here. */
  readonly asked = new AskedHere();
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
    this.editions = editionsOf(api, this.asked);
    this.history = historyOf(api);
    this.computers = computersOf(api, this.asked);
    this.publication = publicationOf(api);
    this.runs = runsOf(api);
    this.tokens = tokensOf(api);
    this.enrolments = enrolmentsOf(api);
  }

  documents<K extends keyof DocumentBodies>(kind: K): Documents<DocumentBodies[K]>;
  documents(kind: string): Documents<DocumentBody>;
  documents(kind: string): unknown {
    // A kind nobody registered here is one that nothing here understands.
    return documentsOf(this.#api, documentKind(kind).kind, this.asked);
  }

  async serverTime(): Promise<Date> {
    return new Date((await this.#api.get<{ now: string }>('ready-runs', { limit: 0 })).now);
  }

  async documentHashes(): Promise<Set<string>> {
    return new Set((await this.#api.get<{ hashes: string[] }>('document-hashes')).hashes);
  }
}

function editionsOf(api: Api, asked: AskedHere): EditionStore {
  const at = (id: number) => `editions/${id}`;
  return {
    async list() {
      return (await api.get<{ editions: StoredEdition[] }>('editions')).editions.map((each) =>
        asked.shownEdition(each),
      );
    },
    byId: async (id) => asked.shownEdition(await api.find<StoredEdition>(at(id), 'EDITION_NOT_FOUND')),
    async byEdition(edition) {
      const { editions } = await api.get<{ editions: StoredEdition[] }>('editions', { edition });
      return asked.shownEdition(editions[0] ?? null);
    },
    async insert(edition, by) {
      asked.add(edition);
      return asked.shownEdition(await api.send<StoredEdition>('POST', 'editions', { json: edition, by }));
    },
    async update(id, changes, by) {
      asked.update(id, changes);
      return asked.shownEdition(await api.send<StoredEdition>('PATCH', at(id), { json: changes, by }));
    },
    async makeLive(id, by, expected) {
      const { liveId, newestId } = expected;
      const sent = { json: { liveId, newestId }, by };
      asked.edition('live', id);
      return (await api.send<{ changes: StatusChange[] }>('POST', `${at(id)}/live`, sent)).changes;
    },
    delete(id, by, { archive, keepFile, expected }: { archive: boolean; keepFile?: boolean; expected?: StoredStatus }) {
      asked.edition('delete', id);
      return api.send<StoredEdition>('DELETE', at(id), { query: { archive, keepFile, expected }, by });
    },
    async archived() {
      return (await api.get<{ editions: DeletedEdition[] }>('archived-editions')).editions;
    },
    async restore(id, by) {
      asked.restore(id);
      return asked.shownEdition(await api.send<StoredEdition>('POST', `archived-editions/${id}/restore`, { by }));
    },
    unlive(id, by) {
      asked.edition('unlive', id);
      return api.send<StoredEdition>('POST', `${at(id)}/unlive`, { by });
    },
    async files(ids) {
      const sent = { json: { ids } };
      return (await api.send<{ files: { id: number; sha256: string }[] }>('POST', 'editions/files', sent)).files;
    },
    async basename(basename) {
      return (await api.get<{ basename: string | null }>(`basenames/${part(basename)}`)).basename;
    },
    async highestRevision(basename, version) {
      const path = `basenames/${part(basename)}/versions/${part(version)}`;
      return (await api.get<{ highestRevision: number | null }>(path)).highestRevision;
    },
  };
}

function documentsOf(api: Api, kind: string, asked: AskedHere): Documents<DocumentBody> {
  type Stored = StoredDocument<DocumentBody>;
  const all = `documents/${part(kind)}`;
  const shown = <D extends Stored | null>(document: D) => asked.shownDocument(kind, document);
  return {
    get: async (id) => shown(await api.find<Stored>(`${all}/${id}`, 'DOCUMENT_NOT_FOUND')),
    async byName(name) {
      return shown((await api.get<{ documents: Stored[] }>(all, { name })).documents[0] ?? null);
    },
    async list() {
      return (await api.get<{ documents: Stored[] }>(all)).documents.map(shown);
    },
    async create(name, body, by) {
      asked.document(kind, null, { name, body });
      return shown(await api.send<Stored>('POST', all, { json: { name, body }, by }));
    },
    async update(id, generation, changes, by) {
      asked.document(kind, id, changes);
      return shown(await api.send<Stored>('PATCH', `${all}/${id}`, { json: { generation, ...changes }, by }));
    },
    remove(id, generation, by) {
      asked.document(kind, id, null);
      return api.send<void>('DELETE', `${all}/${id}`, { query: { generation }, by });
    },
    async history(id) {
      return (await api.get<{ events: HistoryEvent[] }>(`${all}/${id}/history`)).events;
    },
  };
}

function historyOf(api: Api): AdminStore['history'] {
  return {
    async list({ targets, ...filter }: HistoryFilter = {}) {
      // No targets at all match nothing; nothing said of targets matches everything.
      if (targets?.length === 0) return [];
      const target = targets?.map(({ kind, id }) => `${kind}:${id}`);
      return (await api.get<{ events: HistoryEvent[] }>('history', { ...filter, target })).events;
    },
    add: (event) => api.send<void>('POST', 'history', { json: withoutWho(event), by: event.by }),
    async targetsCalled(name) {
      type Targets = { targets: Pick<HistoryTarget, 'kind' | 'id'>[] };
      return (await api.get<Targets>('history/targets', { name })).targets;
    },
  };
}

/** The server knows by itself who it is. */
function withoutWho({ what, target, before, after }: Omit<Parameters<HistoryStore['add']>[0], 'by'>) {
  return { what, target, before, after };
}

function computersOf(api: Api, asked: AskedHere): AdminStore['computers'] {
  const rows = async <Row>(id: string, of: string): Promise<Row[]> =>
    (await api.get<{ rows: Row[] }>(`computers/${part(id)}/${of}`)).rows;
  const inventory = async <Row>(of: string, filter: object): Promise<Row[]> =>
    (await api.send<{ rows: Row[] }>('POST', `inventory/${of}`, { json: filter })).rows;
  return {
    async list() {
      return (await api.get<{ computers: Computer[] }>('computers')).computers;
    },
    find: (idOrName) => api.find<Computer>(`computers/${part(idOrName)}`, 'COMPUTER_NOT_FOUND'),
    receipts: (id) => rows(id, 'receipts'),
    outcomes: (id) => rows(id, 'outcomes'),
    queue: (id) => rows(id, 'queue'),
    reports: (id) => rows(id, 'reports'),
    async *newestReports(ids, from = '') {
      for (let after = from; ; ) {
        const reports = await inventory<KeptReport>('newest-reports', { ...(ids === undefined ? {} : { ids }), after });
        yield* reports;
        const last = reports.at(-1);
        if (last === undefined) return;
        after = last.computer.id;
      }
    },
    async namesInstalled() {
      return (await api.get<{ rows: { basename: string; edition: string }[] }>('inventory/names')).rows;
    },
    async *installedNames({ ids, basenames }) {
      const all = ids ?? (await this.list()).map(({ id }) => id);
      for (let at = 0; at < all.length; at += COMPUTERS_AT_ONCE) {
        const some = { ids: all.slice(at, at + COMPUTERS_AT_ONCE), ...(basenames === undefined ? {} : { basenames }) };
        yield* await inventory<{ computer: string; basename: string; edition: string }>('installed-names', some);
      }
    },
    remove(id, by) {
      asked.records();
      return api.send<void>('DELETE', `computers/${part(id)}`, { by });
    },
    installed: (filter) => inventory('installed', filter),
    queued: (filter) => inventory('queued', filter),
    problems: (filter) => inventory('problems', filter),
    async isReported(basename) {
      return (await api.get<{ isReported: boolean }>(`inventory/basenames/${part(basename)}`)).isReported;
    },
  };
}

function publicationOf(api: Api): AdminStore['publication'] {
  type Publication = { generation: number; last: PublicationRecord | null };
  return {
    generation: async () => (await api.get<Publication>('publication')).generation,
    last: async () => (await api.get<Publication>('publication')).last,
  };
}

function runsOf(api: Api): RunStore {
  return {
    create: (run) => api.send<void>('POST', 'runs', { json: run }),
    get: (id) => api.find<Run>(`runs/${part(id)}`, 'RUN_NOT_FOUND'),
    async list({ open, alone = false } = { open: false }) {
      return (await api.get<{ runs: Run[] }>('runs', { open, alone })).runs;
    },
    async family(parent) {
      return (await api.get<{ runs: RunBrief[] }>(`runs/${part(parent)}/family`)).runs;
    },
    // The server judges by its own clock: those of its workers may differ.
    ready: async (wanted) => (await api.get<{ ids: string[] }>('ready-runs', { ...wanted })).ids,
    async save(run, generation) {
      const sent = { query: { generation }, json: run };
      return (await api.send<{ saved: boolean }>('PUT', `runs/${part(run.id)}`, sent)).saved;
    },
    async append(id, lines: readonly LogLine[]) {
      if (lines.length > 0) await api.send<void>('POST', `runs/${part(id)}/lines`, { json: { lines } });
    },
    async lines(id, after = 0) {
      return (await api.get<{ lines: KeptLine[] }>(`runs/${part(id)}/lines`, { after })).lines;
    },
  };
}

function tokensOf(api: Api): AdminStore['tokens'] {
  return {
    add: (token, by) => api.send<{ token: Token; secret: string }>('POST', 'tokens', { json: token, by }),
    list: async () => (await api.get<{ tokens: Token[] }>('tokens')).tokens,
    revoke: (name, by) => api.send<Token>('DELETE', `tokens/${part(name)}`, { by }),
  };
}

function enrolmentsOf(api: Api): AdminStore['enrolments'] {
  return {
    addCode: (code, by) =>
      api.send<{ code: EnrolmentCode; secret: string }>('POST', 'enrolment-codes', { json: code, by }),
    codes: async () => (await api.get<{ codes: EnrolmentCode[] }>('enrolment-codes')).codes,
    revokeCode: (id, by) => api.send<EnrolmentCode>('DELETE', `enrolment-codes/${id}`, { by }),
    list: async () => (await api.get<{ enrolments: Enrolment[] }>('enrolments')).enrolments,
    approve: (id, as, by) => api.send<Enrolment>('POST', `enrolments/${id}/approve`, { json: { computer: as }, by }),
    refuse: (id, by) => api.send<Enrolment>('POST', `enrolments/${id}/refuse`, { by }),
  };
}
