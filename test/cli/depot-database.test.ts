import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { databaseGiven } from '../../src/cli/depot-database.ts';
import { DEFAULT_SETTINGS } from '../../src/config/settings.ts';
import { expectFailure, inFolder } from '../depot/helpers.ts';

describe('what is said of the database of a depot', () => {
  it('is the environment’s, else the configuration’s, with the password of its own place', () =>
    inFolder(async (dir) => {
      const file = join(dir, 'password');
      await writeFile(file, 'from-file\n', { mode: 0o600 });
      const settings = { ...DEFAULT_SETTINGS, databaseUrl: 'postgres://d3@db/d3', databasePassword: { file } };
      const other = 'postgres://d3@other/d3';
      expect(await databaseGiven(null, settings)).to.deep.equal({ url: 'postgres://d3@db/d3', password: 'from-file' });
      expect(await databaseGiven(other, settings)).to.deep.equal({ url: other, password: 'from-file' });
      const whole = 'postgres://d3:secret@other/d3';
      expect(await databaseGiven(whole, settings)).to.deep.equal({ url: whole, password: null });
      expect(await databaseGiven(null, DEFAULT_SETTINGS)).to.deep.equal({ url: null, password: null });
      // The depot's folder says where the database is; the configuration, who may.
      const onlyPassword = { ...DEFAULT_SETTINGS, databasePassword: { file } };
      expect(await databaseGiven(null, onlyPassword)).to.deep.equal({ url: null, password: 'from-file' });
      await chmod(file, 0o644);
      await expectFailure(databaseGiven(null, onlyPassword), 'CONFIG_UNTRUSTED', 'refused');
    }));

  it('never holds a password where others can read it', async () => {
    const settings = { ...DEFAULT_SETTINGS, databaseUrl: 'postgres://d3:hidden-word@db/d3' };
    const error = await expectFailure(databaseGiven(null, settings), 'DATABASE_SECRET', 'usage');
    expect([error.message, ...error.actions].join()).to.not.include('hidden-word');
  });
});
