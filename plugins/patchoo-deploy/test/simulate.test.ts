import { chownSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { d3 } from '../../../test/cli/spawn.ts';

/** A user without rights; its number is the same everywhere. */
const NOBODY = 65_534;

/** What a newcomer types first. The other ways a machine comes are shown one by one in the laboratory: they take a while. */
describe('d3 provision simulate', function () {
  this.timeout(280_000);
  let cache: string;
  beforeEach(() => {
    cache = mkdtempSync(path.join(os.tmpdir(), 'd3-test-'));
  });
  afterEach(() => rmSync(cache, { recursive: true, force: true }));

  it('patchoo:IN-14 patchoo:SO-07 patchoo:SQ-08 shows one that is asked and one that holds, each with both restarts, without root, and leaves nothing behind', async () => {
    // It needs no machine, only a place of this user's own.
    const env = { XDG_CACHE_HOME: cache, D3_ROOT: '/nonexistent' };
    // Root becomes somebody without rights; anybody else is that already.
    const uid = process.getuid?.() === 0 ? NOBODY : undefined;
    if (uid !== undefined) chownSync(cache, uid, uid);
    const { code, stdout, stderr } = await d3(['provision', 'simulate', '--json'], {
      env,
      ...(uid === undefined ? {} : { uid }),
    });
    expect(code, stdout + stderr).to.equal(0);
    const texts = (JSON.parse(stdout).result as { text: string }[]).map(({ text }) => text);
    const states = texts.flatMap((text) => /^(restarting|holding|released)\b/.exec(text)?.[1] ?? []);
    expect(states).to.deep.equal([
      'restarting',
      'restarting',
      'restarting',
      'released',
      'restarting',
      'restarting',
      'holding',
      'restarting',
      'released',
    ]);
    for (const step of ['restart after setup', 'restart after deployment'])
      expect(texts.filter((text) => text.includes(`${step}: done (the machine was restarted)`))).to.have.length(2);
    const left = readdirSync(cache, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('run-'));
    expect(left).to.deep.equal([]);
  });
});
