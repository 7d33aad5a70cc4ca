import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { extractTo, inspect, type ListedEntry, listFiles, verify } from '../src/index.ts';

// Real packages cannot be part of this project; a folder of them can be named to try them all. An `expected.json` in it
// says what independent readers found.
const folder = process.env['FLATPKG_SAMPLES'] ?? '';

interface ExpectedEntry {
  path: string;
  type: string;
  mode: string;
  uid: number;
  gid: number;
  size: number;
  mtime: number;
}

interface Expected {
  kind: string;
  toc?: { checksum: string; members: string[] };
  components: {
    identifier: string;
    version: string;
    installLocation: string | null;
    scripts: Record<string, string>;
    payload?: ExpectedEntry[] | null;
    scriptsArchive?: ExpectedEntry[] | null;
  }[];
  signature?: { style: string; chain?: string[]; stapledTicket?: unknown } | null;
}

const expectedFile = join(folder, 'expected.json');
const expected: Record<string, Expected> =
  folder !== '' && existsSync(expectedFile) ? JSON.parse(readFileSync(expectedFile, 'utf8')) : {};

(folder === '' ? describe.skip : describe)('packages of others', () => {
  const names = folder === '' ? [] : readdirSync(folder).filter((file) => /\.(?:pkg|zip)$/.test(file));
  for (const name of names) {
    const file = join(folder, name);

    it(`reads, verifies and unpacks ${name}`, async () => {
      const temp = mkdtempSync(join(tmpdir(), 'flatpkg-sample-'));
      try {
        const { components } = await inspect(file);
        await verify(file);
        for (const { identifier } of components) {
          for (const part of ['payload', 'scripts'] as const) {
            const listed = (await listFiles(file, { component: identifier, part })).entries;
            const to = join(temp, `${part}-${components.length}`);
            const { entries } = await extractTo(file, to, { component: identifier, part });
            expect(entries.map(({ path }) => path)).to.deep.equal(listed.map(({ path }) => path));
            rmSync(to, { recursive: true });
          }
        }
      } finally {
        rmSync(temp, { recursive: true });
      }
    });
  }

  for (const [name, wanted] of Object.entries(expected).filter(([, { components }]) => components !== undefined)) {
    const file = join(folder, name);

    it(`finds in ${name} what others found`, async () => {
      const summary = await inspect(file);
      if (wanted.toc !== undefined) {
        expect(summary.tocChecksum).to.equal(wanted.toc.checksum);
        expect(summary.members.map(({ path }) => path)).to.have.members(wanted.toc.members);
      }
      expect(summary.components).to.have.length(wanted.components.length);
      for (const [index, component] of wanted.components.entries()) {
        const found = summary.components[index];
        expect(found).to.deep.include({
          identifier: component.identifier,
          version: component.version,
          installLocation: component.installLocation ?? '/',
        });
        expect(found?.scripts).to.have.members(Object.keys(component.scripts));
        const { identifier } = component;
        const lists = { payload: component.payload, scripts: component.scriptsArchive };
        for (const [part, list] of Object.entries(lists) as ['payload' | 'scripts', ExpectedEntry[] | null][]) {
          const entries = (await listFiles(file, { component: identifier, part })).entries;
          expect(entries.map(asExpected)).to.deep.equal((list ?? []).map(plain).filter(isNoAppleDouble));
        }
      }
      if (wanted.signature === null) expect(summary.signature).to.equal(null);
      else if (wanted.signature !== undefined) {
        expect(summary.signature?.kinds).to.include(wanted.signature.style);
        if (wanted.signature.chain !== undefined)
          expect(summary.signature?.chain).to.deep.equal(wanted.signature.chain);
        expect(summary.signature?.notarizationTicket).to.equal((wanted.signature.stapledTicket ?? null) !== null);
      }
    });
  }
});

interface Plain {
  path: string;
  type: string;
  mode: string;
  owner: string;
  size: number;
  mtime: number;
}

function plain({ path, type, mode, uid, gid, size, mtime }: ExpectedEntry): Plain {
  return { path: path.replace(/^\.\//, ''), type, mode, owner: `${uid}:${gid}`, size, mtime };
}

function asExpected(entry: ListedEntry): Plain {
  return plain({ ...entry, mode: entry.mode.toString(8).padStart(4, '0') });
}

function isNoAppleDouble({ path }: Plain): boolean {
  return !path.slice(path.lastIndexOf('/') + 1).startsWith('._');
}
