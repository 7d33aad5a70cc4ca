import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { follow } from '../support/guide.ts';

describe('docs/plugins.md', () => {
  let dir: string;
  before(() => {
    dir = mkdtempSync(path.join(os.tmpdir(), 'd3-guide-'));
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  it('leads from nothing to a plugin with a hook, a command and a kind of step, word for word', function () {
    this.timeout(180_000);
    expect(follow('plugins.md', dir))
      .to.not.include('d3-night says')
      .and.not.match(/^d3:plan .* d3-night$/m);
  });
});
