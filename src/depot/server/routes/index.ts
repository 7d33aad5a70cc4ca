import type { Route } from '../route.ts';
import { accessRoutes } from './access.ts';
import { blobRoutes } from './blobs.ts';
import { computerRoutes } from './computers.ts';
import { documentRoutes } from './documents.ts';
import { editionRoutes } from './editions.ts';
import { fileRoutes } from './files.ts';
import { historyRoutes } from './history.ts';
import { machineRoutes } from './machines.ts';
import { pageRoutes } from './page.ts';
import { publicationRoutes } from './publication.ts';
import { runRoutes } from './runs.ts';
import { serviceRoutes } from './service.ts';
import { signingRoutes } from './signing.ts';
import { viewRoutes } from './views.ts';

/** Every route there is. */
export const ROUTES: readonly Route[] = [
  ...serviceRoutes,
  ...fileRoutes,
  ...machineRoutes,
  ...editionRoutes,
  ...documentRoutes,
  ...historyRoutes,
  ...computerRoutes,
  ...runRoutes,
  ...publicationRoutes,
  ...signingRoutes,
  ...blobRoutes,
  ...accessRoutes,
  ...viewRoutes,
  ...pageRoutes,
];
