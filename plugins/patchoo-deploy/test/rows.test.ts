import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { repository } from '../../../test/cli/spawn.ts';

/** Every test's text: the plugin's, those of what the host and the jamf plugin do of it, and those of the laboratory. */
function testsIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(test|lab)\.ts$/.test(name) && !name.includes('node_modules'))
    .map((name) => readFileSync(path.join(folder, name), 'utf8'));
}

describe('what patchoo was known for', () => {
  const own = path.basename(import.meta.filename);
  const folders = [
    'plugins/patchoo-deploy/test',
    'plugins/jamf/test',
    'plugins/puppytime/test',
    'packages/show/test',
    'test',
  ];
  const text = folders.flatMap((folder) => testsIn(path.join(repository, folder))).join('\n');
  const missing = (ids: readonly string[]) =>
    ids.filter((id) => !text.includes(`patchoo:${id} `) && !text.includes(`'${id}'`));

  it(`patchoo:SQ-06 every one of its mistakes has a test with its number (${own})`, () => {
    expect(missing(Array.from({ length: 33 }, (_, index) => `D-${String(index + 1).padStart(2, '0')}`))).to.deep.equal(
      [],
    );
  });

  it('patchoo:SQ-07 every one of its sequences is gone through', () => {
    expect(missing(Array.from({ length: 10 }, (_, index) => `G${index + 1}`))).to.deep.equal([]);
  });

  it('patchoo:SQ-10 what only a real Mac can show is written down', () => {
    expect(readFileSync(path.join(repository, 'docs/limits.md'), 'utf8')).to.include('To be looked at on a real Mac');
  });
});
