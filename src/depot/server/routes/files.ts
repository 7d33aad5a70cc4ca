import { D3Error } from '@d3/sdk';
import { Type } from 'typebox';
import { type Asked, type Route, route, type ServerParts } from '../route.ts';
import { Anything, exactly } from '../schemas.ts';
import { fileFor, giveFile } from '../static-files.ts';

const rest = exactly({ '*': Type.String({ maxLength: 300 }) });

/** What machines read, as any web server would give it. */
export const fileRoutes: readonly Route[] = [
  route({
    id: 'publicFile',
    method: 'GET',
    url: '/public/*',
    summary: 'The signed catalog.',
    tag: 'machines',
    access: { for: 'readers' },
    params: rest,
    answer: Anything,
    handle: (asked, server) => give(`public/${asked.params['*']}`, asked, server),
  }),
  route({
    id: 'blob',
    method: 'GET',
    url: '/blobs/*',
    summary: 'A package file or a script, by its hash.',
    tag: 'machines',
    access: { for: 'readers' },
    params: rest,
    answer: Anything,
    handle: (asked, server) => give(`blobs/${asked.params['*']}`, asked, server),
  }),
];

async function give(
  path: string,
  { request, reply }: Pick<Asked<unknown, unknown, unknown>, 'request' | 'reply'>,
  { depot, tags, readers }: ServerParts,
): Promise<unknown> {
  const found = fileFor(depot.dir, path);
  if (found !== null) return giveFile(found, tags, readers, request, reply);
  throw new D3Error('FILE_NOT_FOUND', 'notFound', 'There is no such file.', { target: request.url.slice(0, 200) });
}
