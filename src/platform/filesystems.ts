import { execFile } from 'node:child_process';
import { readFile, realpath } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { promisify } from 'node:util';
import { D3Error } from '@d3/sdk';

/** Which file system holds a path, and whether it is one that other hosts share: SQLite's locks do not hold there. */

export interface Mount {
  mountPoint: string;
  /** As the system names it: `ext4`, `nfs4`, `fuse.sshfs`, `smbfs`. */
  type: string;
  /** Options of the file system itself, e.g. `trans=tcp`. */
  options: string[];
}

const NETWORK_TYPES = new Set([
  'nfs',
  'nfs4',
  'cifs',
  'smb2',
  'smb3',
  'smbfs',
  'afs',
  'afpfs',
  'webdav',
  'ftp',
  'ceph',
  'glusterfs',
  'lustre',
  'beegfs',
  'gpfs',
  'orangefs',
  'pvfs2',
  'coda',
  'ncpfs',
  'davfs',
]);

/** FUSE file systems are `fuse.<kind>`, on macOS also `<kind>` alone. */
const NETWORK_FUSE_KINDS = new Set([
  'afs',
  'ceph',
  'ceph-fuse',
  'curlftpfs',
  'davfs',
  'davfs2',
  'gcsfuse',
  'glusterfs',
  'goofys',
  'juicefs',
  'JuiceFS',
  'mfs',
  'moosefs',
  'nfs',
  'rclone',
  's3fs',
  'seaweedfs',
  'smbnetfs',
  'sshfs',
]);

/** Whether other hosts can reach the same files. */
export function isNetworkMount(mount: Mount): boolean {
  if (NETWORK_TYPES.has(mount.type)) return true;
  // 9p is a network protocol and also how virtual machines share a folder with their host.
  if (mount.type === '9p') return mount.options.some((option) => /^trans=(tcp|rdma|unix)$/.test(option));
  const kind = /^(?:fuse|fuseblk|macfuse|osxfuse)[._](.+)$/.exec(mount.type)?.[1];
  return kind !== undefined && NETWORK_FUSE_KINDS.has(kind);
}

/**
 * Reads the text of Linux's /proc/self/mountinfo (proc_pid_mountinfo(5)).
 * @returns mounts in the order they were made
 */
export function parseMountinfo(text: string): Mount[] {
  const mounts: Mount[] = [];
  for (const line of text.split('\n')) {
    // ID PARENT MAJOR:MINOR ROOT MOUNT-POINT OPTIONS [TAG...] - TYPE SOURCE SUPER-OPTIONS
    const separator = line.indexOf(' - ');
    if (separator < 0) continue;
    const mountPoint = line.slice(0, separator).split(' ')[4];
    const [type, , superOptions = ''] = line.slice(separator + 3).split(' ');
    if (mountPoint === undefined || type === undefined) continue;
    mounts.push({ mountPoint: decodeOctal(mountPoint), type, options: superOptions.split(',') });
  }
  return mounts;
}

/** Reads the output of macOS's `mount`: `SOURCE on MOUNT-POINT (TYPE, OPTION, …)`. */
export function parseMountOutput(text: string): Mount[] {
  const mounts: Mount[] = [];
  for (const line of text.split('\n')) {
    const match = /^.+? on (\/.*) \(([^()]+)\)$/.exec(line);
    if (match === null) continue;
    const [type = '', ...options] = (match[2] as string).split(', ');
    mounts.push({ mountPoint: match[1] as string, type, options });
  }
  return mounts;
}

/** The mount that holds an absolute path: the longest mount point that leads to it, the latest where several lie on one. */
export function mountOf(path: string, mounts: readonly Mount[]): Mount | null {
  let best: Mount | null = null;
  for (const mount of mounts) {
    const holds = mount.mountPoint === '/' || path === mount.mountPoint || path.startsWith(`${mount.mountPoint}/`);
    if (holds && (best === null || mount.mountPoint.length >= best.mountPoint.length)) best = mount;
  }
  return best;
}

/** Reads what is mounted; null where the system cannot be asked. */
export type ReadMounts = () => Promise<Mount[] | null>;

/** What is mounted on this host. */
export const readMounts: ReadMounts = async () => {
  if (process.platform === 'linux') {
    return readFile('/proc/self/mountinfo', 'utf8').then(parseMountinfo, () => null);
  }
  if (process.platform === 'darwin') {
    return promisify(execFile)('/sbin/mount', { env: {}, timeout: 10_000 }).then(
      ({ stdout }) => parseMountOutput(stdout),
      () => null,
    );
  }
  return null;
};

/**
 * Refuses a folder on a file system that other hosts share. A folder that is not there yet counts where it would be made.
 * @param what what was to be put there, beginning a sentence: `The depot`
 * @throws D3Error refused `NETWORK_FILESYSTEM`
 */
export async function refuseNetworkFilesystem(dir: string, what: string, read: ReadMounts = readMounts): Promise<void> {
  const mounts = await read();
  if (mounts === null) return;
  const mount = mountOf(await existingAncestor(dir), mounts);
  if (mount === null || !isNetworkMount(mount)) return;
  throw new D3Error(
    'NETWORK_FILESYSTEM',
    'refused',
    `${what} cannot be kept in ${dir}: ${mount.mountPoint} is a network file system (${mount.type}), where a database loses data.`,
    {
      target: dir,
      actions: ['Choose a folder on a local disk; machines can read the depot over the network from there.'],
    },
  );
}

async function existingAncestor(path: string): Promise<string> {
  for (let current = resolve(path); ; current = dirname(current)) {
    try {
      return await realpath(current);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || current === dirname(current)) return current;
    }
  }
}

function decodeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
