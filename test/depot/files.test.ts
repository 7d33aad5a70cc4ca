import fsPromises, { mkdir, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { expect } from 'chai';
import { makeFolder } from '../../src/depot/files.ts';
import { inFolder } from './helpers.ts';

/** Does something right after a folder was made, as the owner of the one above it could. */
async function afterMkdir(meddle: () => Promise<void>, work: () => Promise<unknown>): Promise<unknown> {
  const original = fsPromises.mkdir;
  const patched = async (...args: Parameters<typeof mkdir>) => {
    const made = await original(...args);
    await meddle();
    return made;
  };
  fsPromises.mkdir = patched as typeof mkdir;
  syncBuiltinESMExports();
  try {
    return await work().then(
      () => null,
      (error) => error,
    );
  } finally {
    fsPromises.mkdir = original;
    syncBuiltinESMExports();
  }
}

describe('a folder being made', () => {
  it('is made with those above it, and what is there is left as it is', () =>
    inFolder(async (dir) => {
      await mkdir(join(dir, 'there'), { mode: 0o700 });
      await symlink('there', join(dir, 'link'));
      const mode = async (path: string) => (await stat(join(dir, path))).mode & 0o777;
      await makeFolder(join(dir, 'link'), 0o755);
      await makeFolder(join(dir, 'link/a/b'), 0o750);
      expect(await Promise.all(['there', 'there/a', 'there/a/b'].map(mode))).to.deep.equal([0o700, 0o750, 0o750]);
    }));

  it('is given up where none can be: in the place of a file or below it, behind a dead link, in /proc', () =>
    inFolder(async (dir) => {
      await writeFile(join(dir, 'file'), '');
      await symlink('nowhere', join(dir, 'dead'));
      const codes: Record<string, string[]> = {
        [join(dir, 'file')]: ['EEXIST'],
        [join(dir, 'file/x/y')]: ['ENOTDIR'],
        [join(dir, 'dead/x')]: ['EEXIST'],
      };
      if (process.platform === 'linux') codes['/proc/self/x/y'] = ['ENOENT', 'EACCES', 'EPERM'];
      for (const [path, expected] of Object.entries(codes)) {
        const error = await makeFolder(path, 0o755).then(
          () => null,
          (reason) => reason,
        );
        expect(error?.code, path).to.be.oneOf(expected);
      }
    }));

  it('gives its mode and owner to nothing a link leads to that took its place', () =>
    inFolder(async (dir) => {
      await writeFile(join(dir, 'file'), '', { mode: 0o600 });
      await mkdir(join(dir, 'folder'), { mode: 0o700 });
      for (const victim of ['file', 'folder']) {
        const path = join(dir, `new-${victim}`);
        const before = await stat(join(dir, victim));
        const failure = await afterMkdir(
          async () => {
            await rename(path, `${path}.moved`);
            await symlink(join(dir, victim), path);
          },
          () => makeFolder(path, 0o755),
        );
        expect(failure, victim).to.be.instanceOf(Error);
        expect((await stat(join(dir, victim))).mode, victim).to.equal(before.mode);
      }
    }));
});
