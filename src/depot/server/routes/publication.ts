import { type Route, route } from '../route.ts';
import { Anything, answer, orNull, PublicationAnswer } from '../schemas.ts';

/** What machines are shown. */
export const publicationRoutes: readonly Route[] = [
  route({
    id: 'getPublication',
    method: 'GET',
    url: '/api/v1/publication',
    summary: 'How far the catalog has come, and what machines were shown last.',
    tag: 'depot',
    access: { for: 'people', least: 'viewer' },
    answer: PublicationAnswer,
    async handle(_asked, { depot }) {
      const { publication } = depot.store;
      const [generation, last] = [await publication.generation(), await publication.last()];
      return { generation, last };
    },
  }),
  route({
    id: 'publish',
    method: 'POST',
    url: '/api/v1/publication',
    summary: 'Answered when machines are shown everything that was changed before; null when they were already.',
    tag: 'depot',
    access: { for: 'people', least: 'packager' },
    answer: answer({ published: orNull(Anything) }),
    handle: async (_asked, { publisher }) => ({ published: await publisher.now() }),
  }),
];
