import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalDepot, openStore, type Store } from '../../src/depot/index.ts';
import { Api } from '../../src/depot/remote/api.ts';
import { RemoteStore } from '../../src/depot/remote/store.ts';
import { type Clock, systemClock } from '../../src/platform/clock.ts';
import { describeRuns } from '../runs/store-contract.ts';
import { serveForTest } from './served.ts';
import { describeStore } from './store-contract.ts';

/**
 * The store over the network is held by the suite of all stores. Who acts differs from call to call there, and editions
 * come without files: so the names are in the tokens, and nothing asks for the files.
 */
async function openOverHttp(clock: Clock) {
  const dir = await mkdtemp(join(tmpdir(), 'd3-remote-test-'));
  const local = await openStore(dir, { clock, mustExist: false });
  const served = await serveForTest({ clock, change: (depot) => withoutFilesAndWithAnyToken(depot, local) });
  const api = new Api({
    url: new URL(served.url),
    token: async (by) =>
      `d3t_${Buffer.from(by === '' ? 'nobody' : by)
        .toString('base64url')
        .padEnd(43, '-')}`,
    ca: null,
    work: served.dir,
    signal: new AbortController().signal,
  });
  return {
    store: new RemoteStore(api),
    local,
    async discard() {
      api.close();
      await served.discard();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function withoutFilesAndWithAnyToken(depot: LocalDepot, store: Store): LocalDepot {
  const known = async (secret: string) => {
    const name = Buffer.from(secret.slice(4).replace(/-+$/, ''), 'base64url').toString();
    return { id: 1, name, role: 'admin' as const, computer: null };
  };
  const opened: Store = {
    editions: store.editions,
    documents: (kind: string) => store.documents(kind),
    documentHashes: () => store.documentHashes(),
    history: store.history,
    computers: store.computers,
    publication: store.publication,
    runs: store.runs,
    overview: store.overview,
    pageSessions: store.pageSessions,
    enrolments: store.enrolments,
    tokens: {
      add: (token, by) => store.tokens.add(token, by),
      list: () => store.tokens.list(),
      revoke: (name, by) => store.tokens.revoke(name, by),
      contacted: (contacts) => store.tokens.contacted(contacts),
      known,
    },
    exclusively: (work) => store.exclusively(work),
    serverTime: () => store.serverTime(),
    close: () => store.close(),
  };
  const stood: Partial<LocalDepot> = {
    store: opened,
    addEdition: (edition, by) => store.editions.insert(edition, by),
    // The suite looks at the counting of changes itself.
    publish: async () => null,
    publishIfBehind: async () => null,
    renewServed: async () => null,
  };
  return new Proxy(depot, {
    get(target, name) {
      const own = stood[name as keyof LocalDepot];
      if (own !== undefined) return own;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

describeStore('over HTTP', openOverHttp);

describeRuns('over HTTP', async () => {
  const opened = await openOverHttp(systemClock);
  return {
    store: opened.store.runs,
    other: opened.local.runs,
    forge: null,
    discard: () => opened.discard(),
  };
});
