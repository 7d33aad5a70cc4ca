import { realpathSync } from 'node:fs';
import path from 'node:path';
import { readMounts } from './filesystems.ts';
import type { MachinePaths } from './paths.ts';
import { MOUNTED } from './rootfs.ts';

/** Why a path (absolute within the root) must not be removed, whoever says it is theirs; null when it may be. */
export type Protection = (at: string) => string | null;

/** Neither these nor anything in them belongs to a package. */
const SYSTEM_TREES = ['/dev', '/proc', '/sys', '/System', '/Volumes', '/Network'];

const SYSTEM_FOLDERS =
  '/ /Applications /Applications/Utilities /Library /Users /private /private/etc /private/var /private/tmp /cores /opt /bin /sbin /lib /lib32 /lib64 /libx32 /boot /etc /home /media /mnt /root /run /srv /tmp /usr /usr/bin /usr/sbin /usr/lib /usr/libexec /usr/share /usr/local /usr/local/bin /var /var/lib /var/log /var/cache /var/tmp /var/root'.split(
    ' ',
  );

/** Without these a machine starts no more, or lets nobody in. */
const SYSTEM_FILES = [
  'passwd',
  'shadow',
  'group',
  'gshadow',
  'master.passwd',
  'sudoers',
  'fstab',
  'hosts',
  'machine-id',
]
  .flatMap((name) => [`/etc/${name}`, `/private/etc/${name}`])
  .concat('/etc/ld.so.conf', '/etc/os-release', '/usr/lib/os-release');

const HOME = /^\/(?:Users|home)\/[^/]+$|^\/(?:private\/)?var\/root$|^\/root$/;

/**
 * What no removal may take away: what the system stands on, homes, d3's own, and what something is mounted on.
 * @param mountPoints absolute within the root
 * @param keyOf the key under which names collide on this file system
 */
export function protectionOf(
  paths: MachinePaths,
  mountPoints: readonly string[],
  keyOf: (at: string) => string,
): Protection {
  const within = (place: string) => keyOf(`/${path.relative(paths.root, place)}`);
  const keys = (places: readonly string[]) => new Set(places.map(keyOf));
  const own = [paths.state, path.dirname(paths.packages)].map(within);
  const ownFiles = new Set([...paths.config, ...(paths.facts === null ? [] : [paths.facts])].map(within));
  const [trees, files, mounts] = [keys(SYSTEM_TREES), keys(SYSTEM_FILES), keys(mountPoints)];
  // In a root folder these are there because d3 made them, or were before; and those it never takes away.
  const folders = keys(paths.root === '/' ? SYSTEM_FOLDERS : ['/']);
  return (at) => {
    const key = keyOf(at);
    if (own.some((place) => isIn(key, place)) || ownFiles.has(key)) return "it is d3's own";
    if ([...trees].some((tree) => isIn(key, tree)) || files.has(key) || folders.has(key)) return 'the system needs it';
    if (HOME.test(at)) return 'it is a home folder';
    return mounts.has(key) ? MOUNTED : null;
  };
}

function isIn(key: string, tree: string): boolean {
  return key === tree || key.startsWith(`${tree}/`);
}

/** Where something is mounted below a root, absolute within it; none where the system cannot be asked. */
export async function mountPointsIn(root: string): Promise<string[]> {
  const real = realpathSync(root);
  const mounts = (await readMounts()) ?? [];
  return mounts.flatMap(({ mountPoint }) => {
    const below = path.relative(real, mountPoint);
    return below === '..' || below.startsWith('../') ? [] : `/${below}`;
  });
}
