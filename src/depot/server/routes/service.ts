import { setTimeout as sleep } from 'node:timers/promises';
import { D3Error } from '@d3/sdk';
import { Type } from 'typebox';
import { type Route, route } from '../route.ts';
import { answer } from '../schemas.ts';

/** Milliseconds in which whoever asks for readiness wants to know. */
const READY_WITHIN = 2_000;

/** A database that is started again is waited for, but not by who asks whether it is there. */
async function answersInTime(asked: Promise<unknown>): Promise<void> {
  const over = new AbortController();
  asked.catch(() => undefined);
  const late = sleep(READY_WITHIN, 'late', { signal: over.signal }).catch(() => 'over');
  try {
    if ((await Promise.race([asked, late])) !== 'late') return;
  } finally {
    over.abort();
  }
  throw new D3Error('DATABASE_UNREACHABLE', 'depotUnreachable', "The depot's database does not answer.", {
    target: 'database',
    actions: ['see whether PostgreSQL runs and may be reached from the server'],
  });
}

/** For whoever keeps the server running. */
export const serviceRoutes: readonly Route[] = [
  route({
    id: 'health',
    method: 'GET',
    url: '/health',
    summary: 'Whether the process answers at all.',
    tag: 'depot',
    access: { for: 'anybody' },
    answer: answer({ ok: Type.Boolean() }),
    handle: async () => ({ ok: true }),
  }),
  route({
    id: 'ready',
    method: 'GET',
    url: '/ready',
    summary: 'Whether it can do its work: the store answers, and it is not about to stop.',
    tag: 'depot',
    access: { for: 'anybody' },
    answer: answer({ ok: Type.Boolean() }),
    // That it is about to stop is said to whoever asks for anything.
    async handle(_asked, { depot }) {
      await answersInTime(depot.store.publication.generation());
      return { ok: true };
    },
  }),
  route({
    id: 'metrics',
    method: 'GET',
    url: '/metrics',
    summary: 'Numbers for Prometheus.',
    tag: 'depot',
    access: { for: 'people', least: 'viewer' },
    answer: Type.String(),
    async handle({ reply }, { depot, metrics }) {
      void reply.type('text/plain; version=0.0.4; charset=utf-8');
      const { publication } = depot.store;
      const [generation, last] = [await publication.generation(), await publication.last()];
      const gauges = {
        d3_catalog_generation: { help: 'Generation of the store.', value: generation },
        d3_published_generation: { help: 'Generation machines are shown.', value: Math.max(0, last?.generation ?? 0) },
        d3_publication_expires_seconds: {
          help: 'When the publication expires, seconds since 1970.',
          value: last === null ? 0 : Date.parse(last.expires) / 1000,
        },
        process_resident_memory_bytes: { help: 'Memory in use.', value: process.memoryUsage.rss() },
      };
      return metrics.text(gauges);
    },
  }),
];
