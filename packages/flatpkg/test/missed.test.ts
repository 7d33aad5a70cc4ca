import { mkdirSync } from 'node:fs';
import { expect } from 'chai';
import { writeBom } from '../src/bom/write.ts';
import { inspect, listFiles, stage, verify } from '../src/index.ts';
import { cpio, dir, file, link, PACKAGE_INFO, pkg, product, script } from './helpers/craft.ts';
import { expectStopped } from './helpers/failures.ts';
import { useTempFolder } from './helpers/temp.ts';

/** What readers of packages tend to miss at first, disk images left out. */
describe('what a first version misses', () => {
  const temp = useTempFolder();
  const sound = [file('./a', 'hello')];

  it('a header that says "no checksum" over a table that names one', async () => {
    const header = (bytes: Buffer) => bytes.fill(0, 24, 28);
    const failure = await expectStopped(temp.path(), pkg(sound, { lies: { header } }), {
      kind: 'damaged',
      code: 'XAR_CHECKSUM_STYLE',
      early: true,
    });
    expect(failure.message).to.include('nothing is protected by a checksum');
  });

  it('two tables of contents in one document, whichever comes first', async () => {
    const second = '<toc><checksum style="sha1"><offset>0</offset><size>20</size></checksum></toc>';
    for (const toc of [
      (xml: string) => xml.replace('</toc>', `</toc>${second}`),
      (xml: string) => xml.replace('<toc>', `${second}<toc>`),
      (xml: string) => xml.replace('<toc>', '<toc/><toc>'),
    ]) {
      const bytes = pkg(sound, { lies: { toc } });
      await expectStopped(temp.path(), bytes, { kind: 'damaged', code: 'XML_TWICE', names: '"toc"', early: true });
    }
  });

  it('an identifier full of ../, which would name a receipt', async () => {
    for (const identifier of ['../../etc/cron.d/x', '/etc/passwd', '..', '..\\..\\x', 'a'.repeat(256)]) {
      const info = PACKAGE_INFO.replace('com.example.crafted', identifier);
      const expected = { kind: 'damaged', code: 'PKGINFO_IDENTIFIER', early: true } as const;
      await expectStopped(temp.path(), pkg(sound, { info }), { ...expected, names: 'PackageInfo' });
      const inside = product(script(''), [{ directory: 'one.pkg', info }]);
      await expectStopped(temp.path(), inside, { ...expected, names: 'one.pkg/PackageInfo' });
    }
  });

  it('names that are not UTF-8, in every place a name can be', async () => {
    const broken = Buffer.from([0x61, 0xff, 0x62]);
    const stop = async (bytes: Buffer, code: string, names: string) =>
      expectStopped(temp.path(), bytes, { kind: 'damaged', code, names });
    await stop(pkg([{ name: broken, data: 'x' }]), 'CPIO_NAME', 'Payload');
    await stop(pkg([{ ...link('./l', ''), data: broken }]), 'ENTRY_TARGET', 'l');
    const base64 = (xml: string) =>
      xml.replace('<name>Payload<', `<name enctype="base64">${broken.toString('base64')}<`);
    await stop(pkg(sound, { lies: { toc: base64 } }), 'XAR_NAME', 'table of contents');
    const info = Buffer.from(PACKAGE_INFO.replace('crafted', 'c?afted')) as Buffer;
    info[info.indexOf('?', 10)] = 0xff;
    await stop(pkg(sound, { info: info as never }), 'XML_ENCODING', 'PackageInfo');
    // Overlong forms and lone surrogates are no UTF-8 either.
    await stop(pkg([{ name: Buffer.from([0x61, 0xc0, 0xaf, 0x62]) }]), 'CPIO_NAME', 'Payload');
    await stop(pkg([{ name: Buffer.from([0x61, 0xed, 0xa0, 0x80]) }]), 'CPIO_NAME', 'Payload');
  });

  it('twins by case and by Unicode form, which are one file on most Macs', async () => {
    const twins = [file('./README'), file('./readme'), dir('./caf\u00e9'), dir('./cafe\u0301'), file('./\u212a/k')];
    const path = temp.write('x.pkg', pkg([...twins, file('./k/k')]));
    const { warnings } = await verify(path);
    expect(warnings.filter((line) => line.includes('one file on most Macs'))).to.have.length(4);
    mkdirSync(temp.path('root'));
    const staged = await stage(path, { root: temp.path('root') });
    await staged.rollback();
    expect(staged.warnings.filter((line) => line.includes('one file on most Macs'))).to.have.length(4);
  });

  it('bytes after the end entry of an archive', async () => {
    const { warnings } = await verify(temp.write('x.pkg', pkg(Buffer.concat([cpio(sound), Buffer.from('more')]))));
    expect(warnings.join('\n')).to.include('Payload: 4 bytes follow the end of the archive');
    expect((await listFiles(temp.path('x.pkg'))).entries).to.have.length(1);
  });

  it('names with a slash in a bill of materials', async () => {
    const record = { type: 'file', mode: 0o100644, uid: 0, gid: 0, mtime: 0, size: 5, cksum: 1, target: null } as const;
    const root = { ...record, path: '.', type: 'dir', mode: 0o040755 } as const;
    const bom = writeBom([root, { ...record, path: 'a_b' }]);
    bom.write('a/b\0', bom.indexOf('a_b\0'), 'latin1');
    const bytes = pkg(sound, { bom });
    await expectStopped(temp.path(), bytes, { kind: 'damaged', code: 'BOM', names: 'Bom: ' });
    expect((await inspect(temp.write('y.pkg', bytes))).components).to.have.length(1);
  });

  it('files already written of a package that is refused at its last entry', async () => {
    const many = Array.from({ length: 200 }, (_, n) => file(`./d/${n}`, 'x'.repeat(100)));
    const bytes = pkg([...many, file('../evil')]);
    await expectStopped(temp.path(), bytes, { kind: 'damaged', code: 'NAME', names: '../evil' });
  });
});
