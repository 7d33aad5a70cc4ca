import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { D3Error, type Reporter } from '@d3/sdk';
import { takeRunLock } from '../client/lock.ts';
import { loadSettings } from '../config/layers.ts';
import { systemClock } from '../platform/clock.ts';
import { Guard } from '../platform/guard.ts';
import { ownProgramPaths, type ProgramPaths } from '../platform/paths.ts';
import { pluginStoreIn } from '../platform/plugin-store.ts';
import { guardedProgram, type RunProgram, runProgram } from '../platform/program.ts';
import { replaceFile } from '../platform/replace-file.ts';
import { makePrivateFolder, whyUntrusted } from '../platform/trusted-folder.ts';
import { temporaryFolder } from '../platform/work-folder.ts';
import { type AllowPolicy, allowPolicy } from '../plugins/allow-list.ts';
import type { ChangePorts, Tried } from '../plugins/change.ts';
import { type Claims, commandNames } from '../plugins/claims.ts';
import { lookUp } from '../plugins/fetch.ts';
import { lockOf } from '../plugins/lock.ts';
import { type Here, newerLine } from '../plugins/newer.ts';
import { npmAt } from '../plugins/npm.ts';
import type { PluginServicePorts } from '../plugins/service.ts';
import { readSpec } from '../plugins/spec.ts';
import { standings } from '../plugins/standing.ts';
import type { PluginStandings } from '../startup/doctor.ts';
import type { Installation } from '../startup/installation.ts';
import { askProbe, PATIENT_LIMIT, readIndex, renewIndex } from '../startup/installed-plugins.ts';
import { ownPlugins } from '../startup/own-plugins.ts';
import { listedPlugins, lockProblem, STORE } from '../startup/plugin-list.ts';
import { isSet } from '../terminal/is-set.ts';
import type { Inputs } from './inputs.ts';
import { PATIENCE } from './patience.ts';
import { pathsWithin } from './root-bounds.ts';

/** Held by whoever changes the plugins. */
const LOCK = 'change.lock';
/** Its time is when the registry was last asked what is newer. */
const LOOKED = 'newer.looked';
const NOTICE_EVERY = 86_400_000;
/** Milliseconds after which nobody waits for the answer any more. */
const NOTICE_LIMIT = 12_000;
/** Milliseconds npm has to end when it is asked to. */
const GRACE = 5000;

interface PluginsRequest {
  installation: Installation;
  inputs: Inputs;
  env: Readonly<Record<string, string | undefined>>;
  /** The version of d3. */
  version: string;
  /** Seconds to wait for another command that changes plugins. */
  wait: number | undefined;
  report: Reporter;
  signal: AbortSignal;
}

/** All that changing the plugins of whoever calls needs. */
export function pluginsHere(request: PluginsRequest): PluginServicePorts {
  const { installation, version } = request;
  const folders = ownProgramPaths();
  const store = storeIn(folders.plugins);
  // An npm that outlived this process would go on writing where the next change clears away.
  const guard = new Guard(GRACE);
  const run = guardedProgram(guard);
  return {
    store,
    hold: async () => {
      const lock = await held(folders.plugins, request);
      return {
        release() {
          guard.close();
          lock.release();
        },
      };
    },
    change: async () => ({ ...(await changePorts(request, folders, run)), store }),
    renew: async () => void (await renewIndex(folders.plugins, installation, version, PATIENT_LIMIT)),
  };
}

function storeIn(folder: string) {
  let untrusted: string | null;
  try {
    const store = pluginStoreIn(folder, STORE);
    untrusted = whyUntrusted(folder);
    if (untrusted === null) return store;
  } catch (error) {
    throw new D3Error('PLUGINS_ACCESS', 'notAuthorised', 'The plugin folder cannot be changed by you.', {
      target: folder,
      actions: ['Run the command as its owner, or name another place for your own: XDG_DATA_HOME'],
      cause: error,
    });
  }
  throw new D3Error('PLUGINS_UNTRUSTED', 'refused', `Plugins are not installed in ${folder}: ${untrusted}.`, {
    target: folder,
    actions: [`What lies there is run: make it yours alone, with the folders above it.`],
  });
}

async function held(folder: string, { wait, signal, report }: PluginsRequest): Promise<{ release(): void }> {
  try {
    return await takeRunLock({
      file: path.join(folder, LOCK),
      wait: wait ?? PATIENCE,
      clock: systemClock,
      signal,
      onWait: () => report({ type: 'note', target: null, text: 'another command is changing the plugins: waiting' }),
    });
  } catch (error) {
    if (!(error instanceof D3Error) || error.exit !== 'busy') throw error;
    throw new D3Error('PLUGINS_BUSY', 'busy', 'Another command is changing the plugins.', {
      target: folder,
      actions: ['Wait for it to end, or use --wait SECONDS.'],
      cause: error,
    });
  }
}

async function changePorts(
  { installation, inputs, env, version, report, signal }: PluginsRequest,
  folders: ProgramPaths,
  run: RunProgram,
): Promise<Omit<ChangePorts, 'store'>> {
  const settings = await loadSettings(pathsWithin(inputs));
  const root = process.getuid?.() === 0;
  const environment = passedOn(env, root);
  const npm = npmAt(
    {
      node: process.execPath,
      program: npmProgram(installation),
      cache: makePrivateFolder(folders.npmCache) === null ? folders.npmCache : null,
      registry: settings.pluginsRegistry,
      environment,
    },
    run,
  );
  return {
    npm,
    run,
    environment,
    signal,
    report,
    policy: policyFor(settings.pluginsAllow, env),
    core: await coreClaims(installation),
    installed: await installedClaims(folders.plugins, installation, version),
    tryOut: (plugin) => tried(plugin, installation),
  };
}

/**
 * What the registry has that is newer than what is here, told once a day; null where nothing is, where no registry is named, and
 * where it cannot be known within seconds.
 */
export async function newerHere(request: PluginsRequest): Promise<string | null> {
  const { inputs, signal, installation, version } = request;
  const folders = ownProgramPaths();
  const { pluginsRegistry, pluginsNotice } = await loadSettings(pathsWithin(inputs));
  if (pluginsRegistry === null || pluginsNotice === 'off' || lockProblem(folders.plugins) !== null) return null;
  if (!isDue(folders.plugins)) return null;
  const here = lockOf(folders.plugins).plugins.flatMap((plugin): Here[] => {
    if (plugin.type !== 'user' || plugin.source !== 'registry') return [];
    const spec = readSpec(plugin.asked, '/');
    return spec.source === 'registry' ? [{ name: plugin.name, version: plugin.version, wanted: spec.version }] : [];
  });
  const [host] = await ownPlugins(installation);
  const all = host === undefined ? here : [...here, { name: host.name, version, wanted: 'latest' }];
  const limit = AbortSignal.timeout(NOTICE_LIMIT);
  const { npm } = await changePorts(request, folders, runProgram);
  const work = temporaryFolder(null, 'd3-newer-');
  try {
    const ask = async ({ name, wanted }: Here) => {
      const spec = { source: 'registry' as const, asked: name, name, version: wanted };
      return (await lookUp(spec, work.path, { npm, signal: AbortSignal.any([signal, limit]) })).version;
    };
    const line = await newerLine(all, ask, limit);
    signal.throwIfAborted();
    return line;
  } finally {
    work.remove();
  }
}

/** Noted before anybody is asked: who does not answer costs no more than once a day either. */
function isDue(folder: string): boolean {
  const now = systemClock.now().getTime();
  try {
    const last = statSync(path.join(folder, LOOKED), { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (Math.abs(now - last) < NOTICE_EVERY) return false;
    replaceFile(path.join(folder, LOOKED), '');
    return true;
  } catch {
    // Whoever may not write there may not update either.
    return false;
  }
}

/** d3 itself and what comes with it: names and commands nobody else may have. */
export async function coreClaims(installation: Installation): Promise<Claims[]> {
  return (await ownPlugins(installation)).map(({ name, commands }) => ({ name, commands: commandNames(commands) }));
}

async function installedClaims(folder: string, installation: Installation, version: string): Promise<Claims[]> {
  const records = readIndex(folder, version) ?? (await renewIndex(folder, installation, version));
  return records.map(({ name, manifest }) => ({ name, commands: commandNames(Object.values(manifest.commands)) }));
}

async function tried(
  { name, type, root }: { name: string; type: 'user' | 'link'; root: string },
  installation: Installation,
): Promise<Tried> {
  // An installed one is found beside the `node_modules` it lies in.
  const from = type === 'link' ? root : path.join(root.slice(0, -`/node_modules/${name}`.length), 'package.json');
  const request = { installation, name, root: from, type, tag: null, url: null, purpose: 'load' as const };
  const { record, problems } = await askProbe(request, PATIENT_LIMIT);
  return { commands: record === null ? [] : commandNames(Object.values(record.manifest.commands)), problems };
}

/** The npm that came with d3, whatever npm the machine has. */
function npmProgram({ root }: Installation): string {
  try {
    const pjson = createRequire(path.join(root, 'package.json')).resolve('npm/package.json');
    return path.join(path.dirname(pjson), 'bin', 'npm-cli.js');
  } catch (error) {
    throw new D3Error('NPM_ABSENT', 'failed', 'The npm that comes with d3 is not there.', {
      target: root,
      actions: ['Install d3 anew.'],
      cause: error,
    });
  }
}

/** Proxies; and where somebody who is not root has packages and keys. Root's d3 runs in anybody's environment. */
function passedOn(env: Readonly<Record<string, string | undefined>>, root: boolean): Record<string, string> {
  const proxies = /^(?:https?_proxy|no_proxy)$/i;
  const own =
    /^(?:npm_config_(?:registry|userconfig|cafile|strict_ssl|noproxy|(?:https?_)?proxy|@.+:registry|\/\/.+)|SSH_AUTH_SOCK)$/i;
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      value !== undefined && (proxies.test(name) || (!root && own.test(name))) ? [[name, value]] : [],
    ),
  );
}

/** What stands against the installed plugins of whoever calls. */
export async function standingsHere({
  installation,
  inputs,
  env,
  version,
}: Pick<PluginsRequest, 'installation' | 'inputs' | 'env' | 'version'>): Promise<PluginStandings> {
  const folder = ownProgramPaths().plugins;
  let policy: AllowPolicy | null = null;
  let allowListProblem: string | null = null;
  try {
    const { pluginsAllow } = await loadSettings(pathsWithin(inputs));
    // Who has set no list is not told of what was installed before.
    policy = pluginsAllow === null ? null : policyFor(pluginsAllow, env);
  } catch (error) {
    allowListProblem = (error as Error).message.replace(/\.$/, '');
  }
  const against =
    lockProblem(folder) === null && listedPlugins(folder).length > 0
      ? standings({
          folder,
          lock: lockOf(folder),
          policy,
          core: await coreClaims(installation),
          installed: await installedClaims(folder, installation, version),
        })
      : new Map<string, string[]>();
  return { against, allowListProblem };
}

function policyFor(list: readonly string[] | null, env: Readonly<Record<string, string | undefined>>): AllowPolicy {
  return allowPolicy(list, { root: process.getuid?.() === 0, ci: isSet(env['CI']) });
}
