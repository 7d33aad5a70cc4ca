import { closeSync, openSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import { packageInfoDocument } from '../src/build/package-info.ts';
import { type ChecksumStyle, hexOf } from '../src/checksum.ts';
import { DEFAULT_LIMITS } from '../src/limits.ts';
import { isSingleComponent } from '../src/names.ts';
import { readPackageInfo } from '../src/pkginfo.ts';
import { Warnings } from '../src/warnings.ts';
import { XarArchive } from '../src/xar/read.ts';
import { writeXar } from '../src/xar/write.ts';
import { escapeXml, readXml } from '../src/xml.ts';
import { useTempFolder } from './helpers/temp.ts';

const xmlText = fc.string({ unit: 'binary', maxLength: 30 }).filter((text) => {
  try {
    return text.isWellFormed() && escapeXml(text) !== undefined;
  } catch {
    return false;
  }
});
const name = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  .filter(
    (text) =>
      isSingleComponent(text) &&
      text.isWellFormed() &&
      !/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u.test(text),
  );

describe('what is written is read back', () => {
  const temp = useTempFolder();

  it('as text of an element and of an attribute', () => {
    fc.assert(
      fc.property(xmlText, xmlText, (text, attribute) => {
        const document = `<a b="${escapeXml(attribute)}">${escapeXml(text)}</a>`;
        const root = readXml(Buffer.from(document), 'text');
        expect([root.text, root.attributes.get('b')]).to.deep.equal([text, attribute]);
      }),
    );
  });

  it('as PackageInfo', () => {
    const identifier = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
      .filter((text) => /^[^/\\\p{Cc}.]+$/u.test(text) && text.isWellFormed());
    const path = fc.array(name, { maxLength: 4 }).map((parts) => `/${parts.join('/')}`);
    const scripts = fc.subarray(['preinstall', 'postinstall']);
    const restart = fc.constantFrom('none', 'logout', 'restart', 'shutdown');
    fc.assert(
      fc.property(
        identifier,
        xmlText,
        path,
        scripts,
        restart,
        fc.option(fc.record({ numberOfFiles: fc.nat(), installKBytes: fc.nat() })),
        (id, version, location, names, action, payload) => {
          const same = { identifier: id, version, installLocation: location, restart: action, scripts: names } as const;
          const document = Buffer.from(packageInfoDocument({ ...same, payload }));
          const counts = payload ?? { numberOfFiles: null, installKBytes: null };
          expect(readPackageInfo(document, 'PackageInfo', new Warnings())).to.deep.include({ ...same, ...counts });
        },
      ),
    );
  });

  it('as a xar of any members, in every style of checksum', async () => {
    const members = fc.uniqueArray(fc.tuple(name, fc.uint8Array({ maxLength: 400 }), fc.boolean()), {
      selector: ([member]) => member,
      maxLength: 8,
    });
    const style = fc.constantFrom<ChecksumStyle>('sha1', 'sha256', 'sha512');
    await fc.assert(
      fc.asyncProperty(members, style, async (items, checksum) => {
        const fd = openSync(temp.path('x.pkg'), 'w+');
        try {
          const sources = items.map(([member, content, stored]) => {
            const bytes = Buffer.from(content);
            const asIs = { length: bytes.length, checksum: hexOf(checksum, bytes), pieces: () => [bytes] };
            return { name: member, mode: 0o644, content: stored ? asIs : bytes };
          });
          writeXar(fd, sources, { checksum, time: new Date(0) }, () => {});
          const archive = XarArchive.open(fd, DEFAULT_LIMITS);
          expect(archive.toc.checksum.style).to.equal(checksum);
          expect(archive.members.map(({ path }) => path)).to.deep.equal(items.map(([member]) => member));
          for (const [member, content] of items) {
            const found = archive.find(member);
            if (found === null) return expect.fail(`${member} is gone`);
            expect(Buffer.compare(await archive.read(found, 1000), content)).to.equal(0);
            const pieces: Buffer[] = [];
            for await (const piece of archive.stream(found)) pieces.push(Buffer.from(piece));
            expect(Buffer.compare(Buffer.concat(pieces), content)).to.equal(0);
          }
          await archive.verifyRest();
        } finally {
          closeSync(fd);
        }
      }),
      { numRuns: 60 },
    );
  });
});
