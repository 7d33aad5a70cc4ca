import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { D3Error } from '@d3/sdk';
import { loadSettings } from '../config/layers.ts';
import type { Settings } from '../config/settings.ts';
import { type PageFiles, pageFiles, readPage, type ServeOptions, serveDepot } from '../depot/index.ts';
import { systemClock, ticks } from '../platform/clock.ts';
import { machinePaths } from '../platform/paths.ts';
import type { Installation } from '../startup/installation.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { ownPreferences } from './admin-here.ts';
import { databaseGiven } from './depot-database.ts';
import { depotLocation, requireFolder } from './depot-location.ts';
import type { Inputs } from './inputs.ts';

export interface ServeRequest
  extends Pick<ServeOptions, 'tls' | 'proxies' | 'readers' | 'perMinute' | 'maxUpload' | 'logLevel'> {
  /** The folder of the depot, where it was said as an argument. */
  dir: string | undefined;
  /** Where d3 is: the page comes from there. */
  installation: Installation;
  /** HOST:PORT */
  listen: string;
}

interface ServeInput {
  inputs: Pick<Inputs, 'depot' | 'depotDatabase'>;
  signal: AbortSignal;
  terminal: Pick<Terminal, 'log'>;
  version: string;
}

/** Serves a depot until the signal; resolves when everything has ended. */
export async function serveHere(
  { dir, listen, installation, ...rest }: ServeRequest,
  { inputs, signal, terminal, version }: ServeInput,
): Promise<{ depot: string; url: string }> {
  const settings = await loadSettings(machinePaths('/', process.platform));
  const depot = path.resolve(dir ?? (await folderSaid(inputs, settings)));
  const served = await serveDepot({
    ...rest,
    ...listenAt(listen),
    dir: depot,
    database: await databaseGiven(inputs.depotDatabase, settings),
    page: await pageOf(installation),
    log: (line) => terminal.log(line),
    clock: systemClock,
    ticks,
    version,
  });
  await stopped(signal);
  await served.stop();
  return { depot, url: served.url };
}

/** What whoever runs it prefers is looked up only where it counts: a service has no home, or may not look into it. */
async function folderSaid(inputs: Pick<Inputs, 'depot'>, settings: Pick<Settings, 'depot'>): Promise<string> {
  const preferences = inputs.depot === null ? await ownPreferences() : null;
  return requireFolder(depotLocation(inputs.depot, preferences?.depot ?? settings.depot));
}

/** The files of the page: as the build made them, or made now where d3 runs from its sources. */
async function pageOf({ root, code }: Installation): Promise<PageFiles> {
  if (code !== 'sources') return readPage(path.join(root, 'dist', 'page'));
  // Only a checkout has what makes it, so that it must not be found by what makes the bundle.
  const maker = pathToFileURL(path.join(root, 'scripts', 'page.ts')).href;
  const { makePage } = (await import(maker)) as { makePage: (root: string) => Promise<[string, Uint8Array][]> };
  return pageFiles(await makePage(root));
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** @throws D3Error usage for what is no HOST:PORT */
function listenAt(text: string): { host: string; port: number } {
  const [, bracketed, plain, digits = ''] = /^(?:\[([0-9a-f:.]+)\]|([^:\s[\]]+)):(\d{1,5})$/i.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host !== undefined && port <= 65_535) return { host, port };
  throw new D3Error('LISTEN_INVALID', 'usage', `${text} is no HOST:PORT.`, {
    target: '--listen',
    actions: ['give it as 127.0.0.1:8420 or [::1]:8420'],
  });
}
