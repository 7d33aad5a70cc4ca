import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { dropCredentials, findCredentials, keepCredentials } from '../../src/config/credentials.ts';
import type { Keychain } from '../../src/platform/keychain.ts';

describe('credentials', () => {
  let folder: string;
  beforeEach(() => {
    folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'd3-credentials-')));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** As a keychain behaves; `locked` is one that takes nothing. */
  const keychain = (locked = false) => {
    const kept = new Map<string, string>();
    const chain: Keychain = {
      get: async (service, account) => kept.get(`${service} ${account}`) ?? null,
      set: async (service, account, secret) => {
        if (!locked) kept.set(`${service} ${account}`, secret);
        return !locked;
      },
      remove: async (service, account) => {
        kept.delete(`${service} ${account}`);
      },
    };
    return { kept, chain };
  };
  const parts = (chain: Keychain | null, environment?: string) => ({
    keychain: async () => chain,
    file: path.join(folder, 'own', 'credentials.json'),
    environment,
  });

  it('depot3:BUG-42 a stale account goes from the keychain when another takes its place', async () => {
    const { kept, chain } = keychain();
    expect(await keepCredentials({ account: 'sally', secret: 'one' }, null, parts(chain))).to.equal('keychain');
    await keepCredentials({ account: 'fritz', secret: 'two' }, 'sally', parts(chain));
    expect([...kept]).to.deep.equal([['d3admin.depot fritz', 'two']]);
    const stale = await findCredentials({ account: 'sally', credentials: null }, parts(chain));
    expect(stale).to.deep.equal({ found: null, keeping: 'unset' });
    await dropCredentials('fritz', parts(chain));
    expect(kept.size).to.equal(0);
  });

  it('depot3:J04 are in the environment, told by a command, in the keychain, or in a file, in this order', async () => {
    const none = parts(null);
    await keepCredentials({ account: 'sally', secret: 'in-file' }, null, none);
    const as = { account: 'sally', credentials: null };
    expect((await findCredentials(as, none)).keeping).to.equal('file');
    expect((await findCredentials({ ...as, account: 'fritz' }, none)).found).to.equal(null);
    const command = { account: 'sally', credentials: { command: ['/bin/echo', 'told'] } };
    expect(await findCredentials(command, none)).to.deep.equal({
      found: { account: 'sally', secret: 'told' },
      keeping: 'command',
    });
    const ci = await findCredentials(command, parts(null, 'ci:a:b'));
    expect(ci.found).to.deep.equal({ account: 'ci', secret: 'a:b' });
    const { chain } = keychain();
    await keepCredentials({ account: 'sally', secret: 'in-keychain' }, null, parts(chain));
    expect((await findCredentials(as, parts(chain))).found?.secret).to.equal('in-keychain');
    expect((await findCredentials(as, none)).keeping, 'the file is gone then').to.equal('unset');
  });

  it('a keychain that takes nothing leaves the file', async () => {
    const { chain } = keychain(true);
    expect(await keepCredentials({ account: 'sally', secret: 's' }, null, parts(chain))).to.equal('file');
    expect(readFileSync(parts(chain).file, 'utf8')).to.include('sally');
  });
});
