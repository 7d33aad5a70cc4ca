import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { manifestIn } from '../../src/plugins/manifest.ts';

describe('what a package says of itself', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'd3-manifest-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const said = (text: string) => {
    writeFileSync(path.join(root, 'package.json'), text);
    return manifestIn(root);
  };

  it('is its name, its version if it has one, and whether it is a plugin', () => {
    expect(said('{"name":"a","version":"1.0.0","oclif":{}}')).to.deep.equal({
      name: 'a',
      version: '1.0.0',
      oclif: true,
    });
    expect(said('{"name":"a"}')).to.deep.equal({ name: 'a', version: null, oclif: false });
    expect(said('{"name":"a","oclif":null}')?.oclif).to.equal(false);
  });

  it('is nothing where it is no package.json, or names and versions are no text', () => {
    expect(manifestIn(root)).to.equal(null);
    for (const text of [
      '',
      '[]',
      'null',
      '"a"',
      '{"version":"1.0.0"}',
      '{"name":1}',
      '{"name":"a","version":5}',
      '{"name":"a","version":null}',
    ])
      expect(said(text), text).to.equal(null);
  });
});
