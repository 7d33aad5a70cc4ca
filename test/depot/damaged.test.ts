import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { d3 } from '../cli/spawn.ts';
import { Sandbox } from '../support/sandbox.ts';

describe('a depot that lost a part', () => {
  let sandbox: Sandbox;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    await sandbox.add('tool', '1', { live: true });
  });
  afterEach(() => sandbox.remove());

  async function show(
    words = ['show', 'all'],
  ): Promise<{ exit: number; errors: { target: string; actions: string[] }[] }> {
    const argv = ['admin', ...words, '--depot', sandbox.depot, '--json', '--no-input'];
    return JSON.parse((await d3(argv, { env: { USER: 'sally' } })).stdout);
  }

  it('has its inbox again', async () => {
    const inbox = path.join(sandbox.depot, 'inbox');
    rmSync(inbox, { recursive: true });
    expect((await show()).exit).to.equal(0);
    expect(statSync(inbox).mode & 0o777).to.equal(0o700);
  });

  it('does not go on without its packages (1)', async () => {
    const blobs = path.join(sandbox.depot, 'blobs');
    rmSync(blobs, { recursive: true });
    const source = await sandbox.package('more', { 'opt/more': '1' });
    for (const words of [
      ['show', 'all'],
      ['add', 'more', '-v', '1', '-s', source],
    ]) {
      const { exit, errors } = await show(words);
      expect([exit, errors[0]?.target], words.join(' ')).to.deep.equal([1, blobs]);
      expect(errors[0]?.actions).to.not.deep.equal([]);
      expect(existsSync(blobs)).to.equal(false);
    }
  });

  for (const [what, text] of [
    ['half', '{"signed": {'],
    ['something else', '{"signed": {"roles": {"root": 5}, "expires": "x"}}'],
    ['null', 'null'],
  ] as const) {
    it(`puts back from its copy a root that is ${what}`, async () => {
      const root = path.join(sandbox.depot, 'public/metadata/1.root.json');
      const own = readFileSync(root);
      writeFileSync(root, text);
      const source = await sandbox.package('more', { 'opt/more': '1' });
      expect((await show(['add', 'more', '-v', '1', '-s', source])).exit).to.equal(0);
      expect(readFileSync(root).equals(own)).to.equal(true);
    });

    it(`does not make a root anew that is ${what} and has no copy (1)`, async () => {
      const metadata = path.join(sandbox.depot, 'public/metadata');
      const root = path.join(metadata, '1.root.json');
      rmSync(path.join(sandbox.depot, 'keys/roots'), { recursive: true });
      writeFileSync(root, text);
      const source = await sandbox.package('more', { 'opt/more': '1' });
      const { exit, errors } = await show(['add', 'more', '-v', '1', '-s', source]);
      expect([exit, errors[0]?.target]).to.deep.equal([1, root]);
      expect(errors[0]?.actions.join()).to.include('backup');
      expect((await show(['info', 'more-1-1'])).exit).to.equal(34);
      expect(readdirSync(metadata).filter((name) => name.endsWith('.root.json'))).to.deep.equal(['1.root.json']);
    });
  }
});
