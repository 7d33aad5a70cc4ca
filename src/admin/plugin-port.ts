import path from 'node:path';
import type { AdminPort, DocumentsPort } from '@d3/sdk';
import type { StoredDocument } from '../depot/index.ts';
import { makeFolder } from '../platform/make-folder.ts';
import { depotRunsPort } from './plugin-runs.ts';
import { type AdminSession, localDepot, publish } from './session.ts';

/**
 * A depot as plugins reach it: through the services that d3's own commands use.
 * @param work the folder of this host that has private working folders
 */
export function adminPortOf(session: AdminSession, work: string): AdminPort {
  const { depot, admin } = session;
  return {
    location: depot.location,
    by: admin,
    isHere: depot.local !== null,
    documents: (kind) => documentsOf(kind, session),
    runs: depotRunsPort(session),
    editions: () => depot.editionsWithDerivedStatus(),
    async add({ basename, typed, source }) {
      const { addEdition } = await import('./add.ts');
      const request = { basename, typed, source, inherit: true };
      const { edition, warnings } = await addEdition(request, session);
      return { edition, warnings };
    },
    async problems(wanted) {
      const { problemsWithoutFile } = await import('./add.ts');
      return problemsWithoutFile(
        wanted.map((one) => ({ ...one, inherit: true })),
        session,
      );
    },
    async edit(edition, typed) {
      const { editEdition } = await import('./edit.ts');
      return editEdition(edition, typed, session);
    },
    async room(name) {
      const folder = path.join(work, `plugin-${name}`);
      makeFolder(folder, 0o700);
      return folder;
    },
    computers: () => depot.store.computers.list(),
    async provisioning() {
      const said: Record<string, Record<string, string>> = {};
      for await (const { computer, provisioning = {} } of depot.store.computers.newestReports())
        said[computer.id] = provisioning;
      return said;
    },
    withFile: (sha256, work) => depot.blobs.withFile(sha256, work),
    read: (sha256) => depot.blobs.read(sha256),
    put: (source) => depot.blobs.put(source),
    takeReports: async (text) => localDepot(session).collectTexts(text),
    publish: () => publish(session),
  };
}

function documentsOf(kind: string, { depot, admin }: AdminSession): DocumentsPort {
  const documents = depot.store.documents(kind);
  // What is stored came in as JSON.
  const shown = (document: StoredDocument<unknown>) => document as Awaited<ReturnType<DocumentsPort['create']>>;
  return {
    async get(id) {
      const found = await documents.get(id);
      return found === null ? null : shown(found);
    },
    async byName(name) {
      const found = await documents.byName(name);
      return found === null ? null : shown(found);
    },
    list: async () => (await documents.list()).map(shown),
    create: async (name, body) => shown(await documents.create(name, body, admin)),
    update: async (id, generation, changes) => shown(await documents.update(id, generation, changes, admin)),
    remove: (id, generation) => documents.remove(id, generation, admin),
  };
}
