import { Type } from 'typebox';
import { type Route, route } from '../route.ts';
import { answer } from '../schemas.ts';

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
    async handle(_asked, { depot }) {
      await depot.store.publication.generation();
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
        d3_published_generation: { help: 'Generation machines are shown.', value: last?.generation ?? 0 },
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
