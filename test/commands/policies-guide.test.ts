import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { follow } from '../support/guide.ts';

describe('docs/policies.md', () => {
  let dir: string;
  before(() => {
    dir = mkdtempSync(path.join(os.tmpdir(), 'd3-policies-'));
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  it('leads through policies and runs, word for word', function () {
    this.timeout(180_000);
    expect(follow('policies.md', dir)).to.include('Policies: none');
  });
});
