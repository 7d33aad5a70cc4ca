import { closeSync, constants, existsSync, lstatSync, openSync } from 'node:fs';

/** How a folder is entered: through descriptors of Linux, or by making each folder the current one in turn. */
export type Way = 'descriptors' | 'current-folder';

/** The name by which something in the entered folder is used, `.` for the folder itself. */
export type Inside = (name: string) => string;

export type Entered<Result> = { entered: Result } | 'absent' | 'unreachable';

/**
 * Does work within a folder that was reached from a root in single steps, never through a link: whatever is renamed or
 * swapped meanwhile, the work is done in the very folders that were looked at. Node has no unlinkat(2); this comes to the same.
 * @param root absolute path of the root on the host
 * @param folder absolute within the root
 * @param work synchronous, with {@link Inside} for names; it must not keep them
 * @returns `absent` when there is no such folder, `unreachable` when a part of the way is a link or no folder
 */
export function withinFolder<Result>(
  root: string,
  folder: string,
  work: (inside: Inside) => Result,
  way: Way = bestWay(),
): Entered<Result> {
  const parts = folder.split('/').filter((part) => part !== '');
  return way === 'descriptors' ? throughDescriptors(root, parts, work) : throughCurrentFolder(root, parts, work);
}

const DESCRIPTORS = '/proc/self/fd';

function bestWay(): Way {
  return process.platform === 'linux' && existsSync(DESCRIPTORS) ? 'descriptors' : 'current-folder';
}

function throughDescriptors<Result>(
  root: string,
  parts: readonly string[],
  work: (inside: Inside) => Result,
): Entered<Result> {
  const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
  let descriptor = openSync(root, O_RDONLY | O_DIRECTORY);
  try {
    for (const part of parts) {
      const next = openSync(`${DESCRIPTORS}/${descriptor}/${part}`, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      closeSync(descriptor);
      descriptor = next;
    }
  } catch (error) {
    closeSync(descriptor);
    return notEntered(error);
  }
  try {
    const here = `${DESCRIPTORS}/${descriptor}`;
    return { entered: work((name) => `${here}/${name}`) };
  } finally {
    closeSync(descriptor);
  }
}

function notEntered(error: unknown): 'absent' | 'unreachable' {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'absent';
  if (code === 'ENOTDIR' || code === 'ELOOP') return 'unreachable';
  throw error;
}

/** All of it is synchronous, so that nothing else of d3 runs while the current folder is another. */
function throughCurrentFolder<Result>(
  root: string,
  parts: readonly string[],
  work: (inside: Inside) => Result,
): Entered<Result> {
  const before = currentFolder();
  try {
    process.chdir(root);
    for (const part of parts) {
      const seen = lstatSync(part, { bigint: true, throwIfNoEntry: false });
      if (seen === undefined) return 'absent';
      if (!seen.isDirectory()) return 'unreachable';
      process.chdir(part);
      const here = lstatSync('.', { bigint: true });
      if (here.ino !== seen.ino || here.dev !== seen.dev) return 'unreachable';
    }
    return { entered: work((name) => (name === '.' ? name : `./${name}`)) };
  } finally {
    process.chdir(before);
  }
}

/** A folder that was deleted under d3 cannot be gone back to. */
function currentFolder(): string {
  try {
    return process.cwd();
  } catch {
    return '/';
  }
}
