import { mkdir, readdir, readFile, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { blobPath, openBlobs, removeUnfinished } from '../../src/depot/blobs.ts';
import { expectFailure, inFolder, sha256 } from './helpers.ts';

const inBlobs = (test: (blobs: ReturnType<typeof openBlobs>, dir: string) => Promise<void>) =>
  inFolder(async (dir) => {
    await mkdir(join(dir, 'blobs'));
    await test(openBlobs(dir), dir);
  });

describe('blobs', () => {
  it('are named by their hash, from bytes and from files alike', () =>
    inBlobs(async (blobs, dir) => {
      const bytes = Buffer.alloc(3_000_000, 'd3');
      const file = join(dir, 'package.pkg');
      await writeFile(file, bytes);
      const fromFile = await blobs.put(file);
      expect(fromFile).to.deep.equal({ sha256: sha256(bytes), size: bytes.length });
      expect(await blobs.put(bytes)).to.deep.equal(fromFile);
      expect(await readFile(blobs.path(fromFile.sha256))).to.deep.equal(bytes);
      expect(await readdir(join(dir, 'blobs'))).to.deep.equal([fromFile.sha256.slice(0, 2)]);
      expect(await blobs.list()).to.deep.equal(new Set([fromFile.sha256]));
      expect(await blobs.has(fromFile.sha256)).to.equal(true);
      await blobs.remove(fromFile.sha256);
      await blobs.remove(fromFile.sha256);
      expect(await blobs.has(fromFile.sha256)).to.equal(false);
    }));

  it('are read only when they are what their name says', () =>
    inBlobs(async (blobs) => {
      const { sha256: hash } = await blobs.put(Buffer.from('#!/bin/sh\n'));
      expect((await blobs.read(hash)).toString()).to.equal('#!/bin/sh\n');
      await writeFile(blobs.path(hash), '#!/bin/rm');
      await expectFailure(blobs.read(hash), 'BLOB_DAMAGED', 'verificationFailed');
      await blobs.remove(hash);
      await expectFailure(blobs.read(hash), 'BLOB_MISSING', 'notFound');
    }));

  it('that lost bytes on the disk become whole when they are stored again', () =>
    inBlobs(async (blobs) => {
      const { sha256: hash } = await blobs.put(Buffer.from('package'));
      await truncate(blobs.path(hash), 3);
      await blobs.put(Buffer.from('package'));
      expect(await readFile(blobs.path(hash), 'utf8')).to.equal('package');
    }));

  it('come from regular files only, and a failure leaves nothing', () =>
    inBlobs(async (blobs, dir) => {
      await expectFailure(blobs.put(join(dir, 'nothing')), 'FILE_NOT_FOUND', 'notFound');
      await expectFailure(blobs.put(dir), 'NOT_A_FILE', 'refused');
      await expectFailure(blobs.put('/dev/zero'), 'NOT_A_FILE', 'refused');
      expect(await readdir(join(dir, 'blobs'))).to.deep.equal([]);
      expect(() => blobPath('../../etc/passwd')).to.throw(/no SHA-256/);
    }));

  it('half written by a killed process go after a day', () =>
    inBlobs(async (_blobs, dir) => {
      const left = join(dir, 'blobs', '.tmp-0123456789abcdef-blob');
      await writeFile(left, 'half');
      await removeUnfinished(dir, new Date());
      expect(await readdir(join(dir, 'blobs'))).to.have.lengthOf(1);
      const old = new Date(Date.now() - 2 * 86_400_000);
      await utimes(left, old, old);
      await removeUnfinished(dir, new Date());
      expect(await readdir(join(dir, 'blobs'))).to.have.lengthOf(0);
    }));
});
