import { lstatSync, type Stats, statSync } from 'node:fs';
import path from 'node:path';
import { D3Error } from '@d3/sdk';

/** What a configuration file says. JSON and YAML only, never code. @throws D3Error usage when it cannot be read */
export async function parseFile(file: string): Promise<unknown> {
  const { cosmiconfig, defaultLoaders } = await import('cosmiconfig');
  const json = defaultLoaders['.json'];
  const yaml = defaultLoaders['.yaml'];
  const explorer = cosmiconfig('d3', {
    loaders: { '.json': json, '.yaml': yaml, '.yml': yaml },
    searchPlaces: [],
    stopDir: '/',
  });
  try {
    return (await explorer.load(file))?.config;
  } catch (error) {
    const why = (error as Error).message.split('\n')[0];
    throw new D3Error('CONFIG_INVALID', 'usage', `The configuration cannot be read: ${why}.`, {
      target: file,
      cause: error,
    });
  }
}

/**
 * d3 runs as root and does what the file says: nobody else may be able to change it, or swap it through a folder above.
 * Owners may be root, or the caller for a root folder of its own.
 * @param options `secret`: nobody else may read it either
 * @throws D3Error refused (30) `CONFIG_UNTRUSTED`
 */
export function refuseUntrusted(file: string, root: string, { secret }: { secret: boolean } = { secret: false }): void {
  const owners = new Set([0, process.getuid?.() ?? 0]);
  for (let at = file; ; at = path.dirname(at)) {
    const stat = statOf(at, at === file);
    // In a folder with the sticky bit others may add files, but not change or swap ours.
    const sticky = stat.isDirectory() && (stat.mode & 0o1000) !== 0;
    const loose = (stat.mode & 0o022) !== 0 && !sticky;
    const readable = secret && at === file && (stat.mode & 0o077) !== 0;
    if (stat.isSymbolicLink() || !owners.has(stat.uid) || loose || readable) {
      const what = stat.isSymbolicLink()
        ? 'it is a link'
        : loose
          ? 'others may write it'
          : readable
            ? 'others may read it'
            : `its owner is uid ${stat.uid}`;
      throw new D3Error('CONFIG_UNTRUSTED', 'refused', `The configuration is not trusted: ${what}.`, {
        target: at,
        actions: stat.isSymbolicLink()
          ? ['put a plain file in its place']
          : [`make it yours alone: chown ${process.getuid?.() ?? 0} ${at} && chmod ${readable ? '600' : 'go-w'} ${at}`],
      });
    }
    if (at === root || at === path.dirname(at)) return;
  }
}

function statOf(at: string, itself: boolean): Stats {
  try {
    return itself ? lstatSync(at) : statSync(at);
  } catch (error) {
    throw new D3Error(
      'CONFIG_INVALID',
      'usage',
      `What the configuration names cannot be used: ${(error as Error).message}.`,
      {
        target: at,
        cause: error,
      },
    );
  }
}
