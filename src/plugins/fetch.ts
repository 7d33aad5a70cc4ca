import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { D3Error } from '@d3/sdk';
import npa from 'npm-package-arg';
import semver from 'semver';
import { isPackageMoreThan } from '../platform/package-file.ts';
import { listBelow } from '../platform/plugin-store.ts';
import type { RunProgram } from '../platform/program.ts';
import { whyUnreachable } from '../platform/reachable.ts';
import type { Candidate } from './allow-list.ts';
import { ANSWER_LIMIT, type Npm, unreachable } from './npm.ts';
import { hostOf, type PluginSpec } from './spec.ts';

/** A package whose name, version and content are known, not yet unpacked. */
export interface FetchedPackage extends Candidate {
  integrity: string;
  /** The package's file on this machine; null for one that the registry has. */
  file: string | null;
}

export interface FetchPorts {
  npm: Npm;
  run: RunProgram;
  /** For git: how it reaches keys of whoever calls. */
  environment: Readonly<Record<string, string>>;
  signal: AbortSignal;
}

/** More than this a plugin does not unpack to, with all it depends on. */
export const MOST = { bytes: 512 * 1024 * 1024, files: 100_000 };
const CLONE_LIMIT = 300_000;
/** How ssh and git say that nobody answers. */
const UNANSWERED =
  /timed out|not responding|operation too slow|could not resolve host|connection (?:refused|reset|closed)|no route to host|network is unreachable|failed to connect/i;

/**
 * What a registry says of a package before any of it is fetched.
 * @param at a folder to work in
 * @throws D3Error unreachable (20) within seconds, notFound (34)
 */
export async function lookUp(
  spec: PluginSpec & { source: 'registry' },
  at: string,
  { npm, signal }: Pick<FetchPorts, 'npm' | 'signal'>,
): Promise<FetchedPackage> {
  const target = `${spec.name}@${spec.version}`;
  const said = await npm.ask(['view', target, 'name', 'version', 'dist', 'dist-tags'], {
    at,
    target,
    patience: 'answer',
    signal,
  });
  const all = (Array.isArray(said) ? said : [said]).flatMap((one) => candidateIn(one, spec.name));
  const best = all.find(({ isLatest }) => isLatest) ?? all.sort((a, b) => semver.rcompare(a.version, b.version))[0];
  if (best === undefined) {
    throw new D3Error('PLUGIN_NOT_FOUND', 'notFound', `The registry has no ${target}.`, {
      target,
      actions: ['Look at how it is written, and at its version.'],
    });
  }
  if (!isWithin(best.declared.bytes, best.declared.files)) throw tooMuch(target);
  return best;
}

/** `declared`: what the registry says it unpacks to, 0 where it does not say; what is laid down is measured. */
type Viewed = FetchedPackage & { isLatest: boolean; declared: { bytes: number; files: number } };

function candidateIn(said: unknown, name: string): Viewed[] {
  const {
    name: called,
    version,
    dist,
    'dist-tags': tags,
  } = (said ?? {}) as {
    name?: unknown;
    version?: unknown;
    dist?: { integrity?: unknown; signatures?: unknown; unpackedSize?: unknown; fileCount?: unknown };
    'dist-tags'?: { latest?: unknown };
  };
  const integrity = dist?.integrity;
  if (called !== name || typeof version !== 'string' || semver.valid(version) === null) return [];
  if (typeof integrity !== 'string' || !integrity.startsWith('sha512-')) return [];
  const signed = Array.isArray(dist?.signatures) ? (dist.signatures as { sig?: unknown }[]) : [];
  const signatures = signed.flatMap((one) => (typeof one?.sig === 'string' ? [one.sig] : []));
  const declared = { bytes: Number(dist?.unpackedSize) || 0, files: Number(dist?.fileCount) || 0 };
  return [{ name, version, integrity, signatures, file: null, isLatest: tags?.latest === version, declared }];
}

/**
 * Brings a package here from wherever else it comes, and looks at what it says of itself. Nothing of it is run, and nothing unpacked.
 * @param at an empty folder to work in
 * @throws D3Error unreachable (20), notFound (34), refused for what is no package
 */
export async function fetchPackage(
  spec: Exclude<PluginSpec, { source: 'registry' }>,
  at: string,
  ports: FetchPorts,
): Promise<FetchedPackage> {
  await refuseUnreachable(spec, ports);
  // npm takes minutes over what has too many files, before it says how many.
  if (spec.source === 'file' && (await isPackageMoreThan(spec.place, MOST))) throw tooMuch(spec.asked);
  const from = await packable(spec, at, ports);
  const { npm, signal } = ports;
  const said = await npm.ask(['pack', from], { at, target: spec.asked, patience: 'work', signal });
  const { name, version, unpackedSize, entryCount } = packed(said, spec.asked);
  const [made, ...more] = listBelow(at).filter((file) => file.endsWith('.tgz'));
  if (made === undefined || more.length > 0) throw noPackage(spec.asked, 'npm made no package of it');
  if (!isWithin(unpackedSize, entryCount)) throw tooMuch(spec.asked);
  const file = path.join(at, made);
  const integrity = `sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}`;
  return { name, version, integrity, signatures: [], file };
}

function isWithin(bytes: number, files: number): boolean {
  return bytes <= MOST.bytes && files <= MOST.files;
}

export function tooMuch(asked: string): D3Error {
  return noPackage(asked, 'it unpacks to too much');
}

/** What npm makes a package of: for a repository, a copy of it without anything of it run. */
async function packable(
  spec: Exclude<PluginSpec, { source: 'registry' }>,
  at: string,
  ports: FetchPorts,
): Promise<string> {
  if (spec.source === 'url') return spec.address;
  return spec.source === 'git' ? await cloned(spec, path.join(at, 'repository'), ports) : spec.place;
}

/** Behind a proxy only the proxy knows who answers. */
async function refuseUnreachable(spec: PluginSpec, { environment }: Pick<FetchPorts, 'environment'>): Promise<void> {
  const host = hostOf(spec);
  if (host === null || Object.keys(environment).some((name) => /^(?:https?_proxy)$/i.test(name))) return;
  const why = await whyUnreachable(host, ANSWER_LIMIT);
  if (why !== null) throw unreachable(host.host, why, spec.asked);
}

/** git asks nobody and runs nothing: no hooks, no filters of the repository's own, no other ways to it. */
async function cloned(
  { address, revision, asked }: PluginSpec & { source: 'git' },
  to: string,
  { run, environment, signal }: FetchPorts,
): Promise<string> {
  const git = async (...args: string[]) => {
    const answer = await run({
      program: 'git',
      args,
      environment: {
        ...environment,
        GIT_CONFIG_COUNT: '4',
        GIT_CONFIG_KEY_0: 'core.hooksPath',
        GIT_CONFIG_VALUE_0: '/dev/null',
        GIT_CONFIG_KEY_1: 'protocol.ext.allow',
        GIT_CONFIG_VALUE_1: 'never',
        GIT_CONFIG_KEY_2: 'http.lowSpeedLimit',
        GIT_CONFIG_VALUE_2: '1',
        GIT_CONFIG_KEY_3: 'http.lowSpeedTime',
        GIT_CONFIG_VALUE_3: '30',
        GIT_TERMINAL_PROMPT: '0',
        GIT_SSH_COMMAND: 'ssh -oBatchMode=yes -oConnectTimeout=3 -oServerAliveInterval=10',
      },
      timeout: CLONE_LIMIT,
      signal,
    });
    signal.throwIfAborted();
    if (answer.code === 0) return;
    const reason = reasonIn(answer.lastLines);
    if (UNANSWERED.test(reason)) throw unreachable(serverIn(address), reason, asked);
    throw new D3Error('PLUGIN_NOT_FOUND', 'notFound', `git could not get ${asked}: ${reason}.`, {
      target: asked,
      actions: [`See what git says to it: git ls-remote ${address}`],
    });
  };
  await git('clone', '--quiet', '--no-checkout', '--', address, to);
  await git('-C', to, 'checkout', '--quiet', '--detach', revision ?? 'HEAD', '--');
  return to;
}

/** An address without a name and a password before it, and without what follows. */
function serverIn(address: string): string {
  return /^(?:\w+:\/\/)?(?:[^@/]*@)?((?:\[[^\]]*\]|[^:/]+)(?::\d+)?)/.exec(address)?.[1] ?? address;
}

/** git's last words are advice where ssh, before it, had the reason. */
function reasonIn(lines: readonly string[]): string {
  const advice = lines.indexOf('fatal: Could not read from remote repository.');
  const said = (advice > 0 ? lines.slice(0, advice) : lines).map((line) => line.replace(/^remote: ?/, ''));
  const reason = said.findLast((line) => /[\p{L}\p{N}]/u.test(line));
  return reason?.replace(/\.$/, '') ?? 'it said nothing';
}

function packed(
  said: unknown,
  asked: string,
): { name: string; version: string; unpackedSize: number; entryCount: number } {
  const [first] = Array.isArray(said) ? (said as unknown[]) : [];
  const { name, version, unpackedSize, entryCount } = (first ?? {}) as Record<string, unknown>;
  if (typeof name !== 'string' || !isPackageName(name)) throw noPackage(asked, 'it has no name a package can have');
  if (typeof version !== 'string' || semver.valid(version) !== version) throw noPackage(asked, 'it has no version');
  return { name, version, unpackedSize: Number(unpackedSize), entryCount: Number(entryCount) };
}

export function isPackageName(name: string): boolean {
  try {
    const { type, name: read, rawSpec } = npa(`${name}@1.0.0`, '/');
    return type === 'version' && read === name && rawSpec === '1.0.0';
  } catch {
    return false;
  }
}

export function noPackage(asked: string, why: string): D3Error {
  return new D3Error('NO_PLUGIN', 'refused', `${asked} is no plugin: ${why}.`, { target: asked });
}
