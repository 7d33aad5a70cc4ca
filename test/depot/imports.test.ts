import { readFile } from 'node:fs/promises';
import { expect } from 'chai';

/** What a module loads at once: its static imports, types left out, through all of this project's files. */
async function packagesLoadedBy(
  entry: URL,
  seen = new Set<string>(),
  packages = new Set<string>(),
): Promise<Set<string>> {
  if (seen.has(entry.href)) return packages;
  seen.add(entry.href);
  const source = await readFile(entry, 'utf8');
  for (const [, clause = '', name = ''] of source.matchAll(
    /^(?:import|export)\s(?!type\b)([^;]*?\sfrom\s)?'([^']+)';/gm,
  )) {
    const isTypesOnly = /^\{(\s*type\s[^,}]+,?)+\s*\}\s*from\s$/.test(clause);
    if (isTypesOnly) continue;
    if (name.startsWith('.')) await packagesLoadedBy(new URL(name, entry), seen, packages);
    else packages.add(name);
  }
  return packages;
}

describe('the public face of the depot', () => {
  it('loads no database, schema checker or verifier before it is used', async () => {
    const packages = await packagesLoadedBy(new URL('../../src/depot/index.ts', import.meta.url));
    const heavy = [...packages].filter((name) => !name.startsWith('node:') && name !== '@d3/sdk');
    expect(heavy).to.deep.equal([]);
    expect([...packages])
      .to.include('node:fs/promises')
      .and.not.include('node:sqlite');
  });
});
