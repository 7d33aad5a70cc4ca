import path from 'node:path';
import { D3Error } from '@d3/sdk';
import npa from 'npm-package-arg';

/** Where a plugin is asked for, read as npm reads it. */
export type PluginSpec =
  | { source: 'registry'; asked: string; name: string; version: string }
  | { source: 'file' | 'folder'; asked: string; place: string }
  | { source: 'url'; asked: string; address: string }
  | { source: 'git'; asked: string; address: string; revision: string | null };

/** What looks like a path is one, and never a repository of somebody else. */
const PATH = /^(?:\.{0,2}\/|~\/|file:)/;

/**
 * @param asked `NAME[@VERSION]`, a path, an address of a package, or a git repository
 * @param cwd what a relative path is relative to
 * @throws D3Error usage (2) for what is none of these
 */
export function readSpec(asked: string, cwd: string): PluginSpec {
  // A line feed or an option would be something else for the programs that get it.
  if (/^-|[\p{Cc}]/u.test(asked) || asked.trim() === '') throw noSpec(asked, 'it is no name, path or address');
  if (PATH.test(asked) || asked === '.' || asked === '..') return fromPath(asked, cwd);
  let read: npa.Result;
  try {
    read = npa(asked, '/');
  } catch (error) {
    throw noSpec(asked, (error as Error).message.split('\n')[0] ?? '');
  }
  switch (read.type) {
    case 'version':
    case 'range':
    case 'tag':
      return { source: 'registry', asked, name: read.name as string, version: read.fetchSpec || 'latest' };
    case 'remote':
      return { source: 'url', asked, address: read.fetchSpec as string };
    case 'git':
      return fromGit(asked, read as npa.HostedGitResult);
    default:
      throw noSpec(asked, 'an alias hides what is installed');
  }
}

function fromPath(asked: string, cwd: string): PluginSpec {
  const bare = asked.replace(/^file:(?:\/\/(?=\/))?/, '');
  if (bare.startsWith('~')) throw noSpec(asked, 'the home folder has to be written out');
  const place = path.resolve(cwd, bare);
  const source = /\.(?:tgz|tar|tar\.gz)$/i.test(place) ? 'file' : 'folder';
  return { source, asked: place, place };
}

function fromGit(asked: string, read: npa.HostedGitResult): PluginSpec {
  if (read.gitRange) throw noSpec(asked, 'of a repository a branch, a tag or a commit can be asked for, and no range');
  const address = repositoryOf(read);
  // git has ways of its own to name a program where an address is wanted; of git:// anybody on the way can be the other end.
  if (!/^(?:https?|ssh|file):\/\/[^-]/.test(address) && !/^[\w.]+@[\w.-]+:[^-]/.test(address)) {
    throw noSpec(asked, 'its address is none that git reaches');
  }
  const revision = read.gitCommittish || null;
  if (revision?.startsWith('-')) throw noSpec(asked, 'its revision is none');
  return { source: 'git', asked, address, revision };
}

/** The address of a repository at a known host, or as it was written. */
function repositoryOf({ hosted, fetchSpec }: npa.HostedGitResult): string {
  // Its published types know less of it than it can.
  const known = hosted as { https?: (options: object) => string } | undefined;
  return known?.https?.({ noGitPlus: true, noCommittish: true }) ?? (fetchSpec as string);
}

function noSpec(asked: string, why: string): D3Error {
  return new D3Error('NO_SUCH_SPEC', 'usage', `"${asked}" cannot be installed: ${why}.`, {
    target: asked,
    actions: ['Give NAME, NAME@VERSION, the path of a folder or a .tgz, an https address or a git repository.'],
  });
}

/** Who has to answer before any of it can be had; null where nobody has to, or only ssh knows who that is. */
export function hostOf(spec: PluginSpec): URL | null {
  return (spec.source === 'url' || spec.source === 'git') && /^https?:/.test(spec.address)
    ? new URL(spec.address)
    : null;
}
