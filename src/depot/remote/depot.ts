import type { Edition } from '../../catalog/types.ts';
import type { Depot, PublishChoice } from '../depot.ts';
import type { InboxOutcome } from '../inbox.ts';
import { registerKinds } from '../kinds.ts';
import type { NewEdition, PublicationRecord, StoredEdition } from '../store/contract.ts';
import { Api, type RemoteOptions } from './api.ts';
import { RemoteBlobs } from './blobs.ts';
import { RemoteSigning } from './signing.ts';
import { RemoteStore } from './store.ts';

/**
 * Opens a served depot for admin work.
 * @throws D3Error notAuthorised when its token opens nothing, depotUnreachable
 */
export async function openRemoteDepot(options: RemoteOptions): Promise<Depot> {
  registerKinds();
  const api = new Api(options);
  try {
    const { name } = await api.get<{ name: string }>('session');
    return new RemoteDepot(api, name, options);
  } catch (error) {
    api.close();
    throw error;
  }
}

class RemoteDepot implements Depot {
  readonly location: string;
  readonly local = null;
  readonly work: string;
  readonly admin: string;
  readonly store: RemoteStore;
  readonly blobs: RemoteBlobs;
  readonly signing: RemoteSigning;
  readonly #api: Api;

  constructor(api: Api, admin: string, options: RemoteOptions) {
    const { work, signal } = options;
    this.location = api.location;
    this.work = work;
    this.admin = admin;
    this.store = new RemoteStore(api);
    this.blobs = new RemoteBlobs(api, work, signal);
    this.signing = new RemoteSigning(api, options, admin, this.store.asked, this.blobs.sent);
    this.#api = api;
  }

  addEdition(edition: NewEdition, by: string): Promise<StoredEdition> {
    return this.store.editions.insert(edition, by);
  }

  async removeUnused(candidates: readonly string[]): Promise<string[]> {
    if (candidates.length === 0) return [];
    return (await this.#api.send<{ removed: string[] }>('POST', 'blobs/remove-unused', { json: { candidates } }))
      .removed;
  }

  /** The server publishes by itself, and this waits until it has; what it may not sign is signed here. */
  async publish({ mine = false, agreed = false }: PublishChoice = {}): Promise<PublicationRecord | null> {
    const { published } = await this.#api.send<{ published: PublicationRecord | null }>('POST', 'publication');
    return (mine ? await this.signing.sign(agreed) : null) ?? published;
  }

  /** Served depots take reports as they come, and their inbox by themselves. */
  async takeInbox(): Promise<InboxOutcome> {
    return { taken: 0, rejected: [] };
  }

  async editionsWithDerivedStatus(): Promise<Edition[]> {
    const answer = await this.#api.get<{ editions: StoredEdition[]; missing: number[] }>('editions');
    const missing = new Set(answer.missing);
    for (const edition of answer.editions) this.store.asked.shownEdition(edition);
    return answer.editions.map((edition) => (missing.has(edition.id) ? { ...edition, status: 'missing' } : edition));
  }

  async close(): Promise<void> {
    await this.blobs.close();
    this.#api.close();
  }
}
