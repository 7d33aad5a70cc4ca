import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { d3, repository } from '../../../test/cli/spawn.ts';
import { Sandbox } from '../../../test/support/sandbox.ts';
import { leastPrivileges } from '../src/roles.ts';

describe('d3 jamf roles', function () {
  this.timeout(60_000);
  let sandbox: Sandbox;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
  });
  afterEach(() => sandbox.remove());

  it('patchoo:D-33 patchoo:SO-04 depot3:K13 prints the least privileges of each role, for people and as JSON', async () => {
    const options = { cwd: sandbox.dir, env: { D3_ROOT: sandbox.dir } };
    const words = await d3(['jamf', 'roles'], options);
    expect(words.code, words.stderr).to.equal(0);
    expect(words.stdout).to.contain('client:\n  Read Buildings\n').and.to.contain('  Update Packages\n');
    const json = await d3(['jamf', 'roles', '--json', '--no-input'], options);
    expect(JSON.parse(json.stdout).result).to.deep.equal(leastPrivileges());
  });

  it('carries a schema without the prose of the server', () => {
    const text = readFileSync(path.join(repository, 'plugins/jamf/schema/calls.json'), 'utf8');
    expect(text).not.to.match(/"(?:summary|example|externalDocs)":/);
  });
});
