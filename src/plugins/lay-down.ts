import path from 'node:path';
import { D3Error } from '@d3/sdk';
import { foreignIn, isMoreThan, type PluginStore } from '../platform/plugin-store.ts';
import { type FetchedPackage, MOST, noPackage, tooMuch } from './fetch.ts';
import { jsonIn, manifestIn } from './manifest.ts';
import type { Npm } from './npm.ts';

interface LayDownPorts {
  npm: Npm;
  store: PluginStore;
  signal: AbortSignal;
  most?: typeof MOST;
}

/** Milliseconds between two looks at how much there is. */
const LOOK = 250;
const PACKAGE = 'package.tgz';

/**
 * Unpacks a package with what it depends on into a folder that is nobody's yet. No script of any of it runs.
 * @returns the plugin's own folder
 * @throws D3Error verificationFailed when what is laid down is not what was fetched; refused for what is no plugin
 */
export async function layDown(
  { name, version, integrity, file }: FetchedPackage,
  folder: string,
  ports: LayDownPorts,
): Promise<string> {
  const { store } = ports;
  if (file !== null) store.copy(file, path.join(folder, PACKAGE));
  const from = file === null ? version : `file:${PACKAGE}`;
  const list = { name: 'd3-plugin-folder', private: true, dependencies: { [name]: from } };
  store.write(path.join(folder, 'package.json'), JSON.stringify(list, null, 2));
  await bounded(folder, name, ports, (signal) => installIn(folder, name, file === null, { npm: ports.npm, signal }));
  const foreign = foreignIn(folder);
  if (foreign !== null) throw noPackage(name, foreign);
  const root = path.join(folder, 'node_modules', name);
  const lock = jsonIn(path.join(folder, 'package-lock.json')) as {
    packages?: Record<string, { integrity?: string; version?: string }>;
  };
  const laid = lock.packages?.[`node_modules/${name}`];
  const manifest = manifestIn(root);
  if (laid?.integrity !== integrity || manifest?.name !== name || manifest.version !== version) {
    throw new D3Error(
      'PLUGIN_ALTERED',
      'verificationFailed',
      `What npm laid down for ${name} is not what was fetched.`,
      {
        target: name,
        actions: ['Nothing was changed. Install it again; if this stays, find out who alters it.'],
      },
    );
  }
  if (!manifest.oclif) {
    throw noPackage(`${name} ${version}`, 'its package.json has no part "oclif"');
  }
  store.remove(path.join(folder, PACKAGE));
  store.remove(path.join(folder, 'npm-cache'));
  return root;
}

/** Ends npm when what it unpacks becomes too much: what a package says of its size is only what it says. */
async function bounded(
  folder: string,
  name: string,
  { signal, most = MOST }: LayDownPorts,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const enough = new AbortController();
  const look = () => {
    if (isMoreThan(folder, most)) enough.abort();
  };
  const timer = setInterval(look, LOOK);
  try {
    await work(AbortSignal.any([signal, enough.signal]));
    look();
  } catch (error) {
    if (!enough.signal.aborted) throw error;
  } finally {
    clearInterval(timer);
  }
  if (enough.signal.aborted) throw tooMuch(name);
}

/**
 * A plugin that is here and needs nothing else is installed without a network; for any other the registry has to be there.
 * @param online whether the registry has just answered
 */
async function installIn(
  at: string,
  target: string,
  online: boolean,
  { npm, signal }: Pick<LayDownPorts, 'npm' | 'signal'>,
): Promise<void> {
  const install = (...flags: string[]) => npm.ask(['install'], { at, target, patience: 'work', flags, signal });
  if (!online) {
    try {
      await install('--offline');
      return;
    } catch (error) {
      if (!isUnreachable(error)) throw error;
    }
    await npm.ask(['ping'], { at, target, patience: 'answer', signal }).catch((error: unknown) => {
      // Whatever else it answers, it is there.
      if (isUnreachable(error)) throw error;
    });
  }
  // What was published a moment ago is not in what npm still knows.
  await install('--prefer-online');
}

function isUnreachable(error: unknown): boolean {
  return error instanceof D3Error && error.code === 'REGISTRY_UNREACHABLE';
}
