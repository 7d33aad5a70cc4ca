import type { LocalDepot } from '../../src/depot/index.ts';
import { newRun } from '../../src/runs/make.ts';
import { newEdition, newReport } from '../depot/helpers.ts';

/** Puts something into every corner of a depot: editions with files, deleted ones, documents, history, reports, runs. */
export async function fillDepot(depot: LocalDepot, computers = 5): Promise<void> {
  const { store, blobs } = depot;
  for (let revision = 1; revision <= 4; revision += 1) {
    const { sha256, size } = await blobs.put(Buffer.from(`package ${revision}`));
    const file = { name: `transmogrifier-2.1.2-${revision}.pkg`, sha256, size, format: 'pkg' as const };
    await store.editions.insert(newEdition({ revision, file }), 'sally');
  }
  await store.editions.makeLive(2, 'sally', { liveId: null, newestId: 4 });
  await store.editions.delete(4, 'joe', { archive: true });
  const groups = store.documents('group');
  const body = { schema: 'd3/group@1', kind: 'static', description: 'Größe ' } as const;
  await groups.create('École', { ...body, members: [] }, 'joe');
  const gone = await groups.create('gone', { ...body, members: [] }, 'joe');
  await groups.remove(gone.id, 1, 'joe');
  for (let n = 0; n < computers; n += 1) {
    const id = `0b9f2c9e-1111-4222-8333-${String(n).padStart(12, '0')}`;
    await store.computers.takeReport(newReport({ run: 'r1' }, { id, name: `Lab ${n}`, user: 'sally' }));
  }
  const origin = { kind: 'other' as const, id: null, name: 'test', event: null };
  await store.runs.create(
    newRun({
      id: 'run-1',
      origin,
      by: 'sally',
      at: new Date('2030-01-01T00:00:00Z'),
      steps: [{ kind: 'wait', args: {} }],
    }),
  );
  await store.runs.append('run-1', [{ at: '2030-01-01T00:00:00.000Z', step: 0, text: 'said' }]);
  await depot.publish();
}

/** All a depot's store says, to be compared. */
export async function contentsOf({ store }: LocalDepot) {
  const reports: unknown[] = [];
  for await (const report of store.computers.newestReports()) reports.push(report);
  return {
    editions: await store.editions.list(),
    archived: await store.editions.archived(),
    groups: await store.documents('group').list(),
    history: await store.history.list(),
    computers: await store.computers.list(),
    reports,
    runs: await store.runs.list(),
    lines: await store.runs.lines('run-1'),
    published: await store.publication.last(),
    generation: await store.publication.generation(),
  };
}
