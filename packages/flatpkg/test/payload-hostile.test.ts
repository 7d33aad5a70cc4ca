import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import fc from 'fast-check';
import { StagingFolder } from '../src/extract/staging.ts';
import { StagedWriter } from '../src/extract/writer.ts';
import { extractTo, FlatpkgError, listFiles, printable, stage, verify } from '../src/index.ts';
import type { Limits } from '../src/limits.ts';
import type { FileEntry } from '../src/payload/entries.ts';
import { Warnings } from '../src/warnings.ts';
import { type CraftedEntry, cpio, DIR, dir, FILE, file, link, pkg } from './helpers/craft.ts';
import { expectStopped, failureOf, type Stopped } from './helpers/failures.ts';
import { snapshot, useTempFolder } from './helpers/temp.ts';

const raw = (bytes: Buffer) => bytes;

describe('payload: hostile entries', () => {
  const temp = useTempFolder();
  const long = 'n'.repeat(256);
  const cases: [what: string, payload: CraftedEntry[] | Buffer, kind: Stopped['kind'], code: string][] = [
    ['..', [file('../evil')], 'damaged', 'NAME'],
    ['.. after ./', [file('./../evil')], 'damaged', 'NAME'],
    ['.. inside', [file('./a/../../evil')], 'damaged', 'NAME'],
    ['absolute', [file('/evil')], 'damaged', 'NAME'],
    ['absolute after ./', [file('.//evil')], 'damaged', 'NAME'],
    ['empty part', [file('./a//b')], 'damaged', 'NAME'],
    ['. inside', [file('./a/./b')], 'damaged', 'NAME'],
    ['empty name', [file('')], 'damaged', 'NAME'],
    ['no name at all', [file('', '', { nameSize: 0, nameEnd: '' })], 'damaged', 'CPIO_NAME'],
    ['NUL inside', [file('./a\0b')], 'damaged', 'CPIO_NAME'],
    ['no NUL at the end', [file('./ab', '', { nameEnd: 'c' })], 'damaged', 'CPIO_NAME'],
    ['part of 256 bytes', [file(`./${long}`)], 'damaged', 'NAME'],
    ['control characters and ..', [file('./\x1b[2J\r\n\x07\u202e/../evil')], 'damaged', 'NAME'],
    ['control characters at a fifo', [{ name: './\x1b]0;x\x07', mode: 0o010644 }], 'refused', 'ENTRY_SPECIAL'],
    ['path of 1025 bytes', [file(`${'abcd/'.repeat(204)}abcde`)], 'damaged', 'NAME'],
    ['name of 200 000 bytes', [file(`./${'a/'.repeat(100_000)}b`)], 'damaged', 'CPIO_NAME'],
    ['invalid UTF-8', [{ name: Buffer.from([0x2e, 0x2f, 0xff, 0xfe]), data: 'x' }], 'damaged', 'CPIO_NAME'],
    ['file below a symlink', [link('./a', '/tmp'), file('./a/evil')], 'refused', 'ENTRY_BELOW_LINK'],
    ['file far below a symlink', [link('./a', '..'), file('./a/b/c/evil')], 'refused', 'ENTRY_BELOW_LINK'],
    ['symlink above a file', [file('./a/b'), link('./a', '/tmp')], 'refused', 'ENTRY_TYPE_CHANGE'],
    ['file below a file', [file('./a'), file('./a/b')], 'refused', 'ENTRY_BELOW_LINK'],
    ['symlink takes the place of a file', [file('./a'), link('./a', '/etc/passwd')], 'refused', 'ENTRY_TYPE_CHANGE'],
    ['file takes the place of a symlink', [link('./a', '/etc/passwd'), file('./a')], 'refused', 'ENTRY_TYPE_CHANGE'],
    ['symlink takes the place of a folder', [dir('./a'), link('./a', '/tmp')], 'refused', 'ENTRY_TYPE_CHANGE'],
    ['file takes the place of a folder', [dir('./a'), file('./a')], 'refused', 'ENTRY_TYPE_CHANGE'],
    [
      'folder takes the place of a symlink, to lead what follows',
      [link('./a', '/tmp'), file('./b'), dir('./a')],
      'refused',
      'ENTRY_TYPE_CHANGE',
    ],
    ['file as the root', [file('.')], 'refused', 'ENTRY_TYPE_CHANGE'],
    ['fifo', [{ name: './a', mode: 0o010644 }], 'refused', 'ENTRY_SPECIAL'],
    ['character device', [{ name: './a', mode: 0o020666 }], 'refused', 'ENTRY_SPECIAL'],
    ['block device', [{ name: './a', mode: 0o060666 }], 'refused', 'ENTRY_SPECIAL'],
    ['socket', [{ name: './a', mode: 0o140666 }], 'refused', 'ENTRY_SPECIAL'],
    ['no type', [{ name: './a', mode: 0o644 }], 'damaged', 'ENTRY_TYPE'],
    ['folder with data', [{ name: './a', mode: DIR, data: 'x' }], 'damaged', 'ENTRY_SIZE'],
    ['symlink without target', [link('./a', '')], 'damaged', 'ENTRY_TARGET'],
    ['symlink with a NUL', [link('./a', 'b\0c')], 'damaged', 'ENTRY_TARGET'],
    ['symlink of 5 000 bytes', [link('./a', 'b'.repeat(5000))], 'damaged', 'ENTRY_TARGET'],
    ['size beyond the data', cpio([file('./a', 'x', { size: 4096 })], 'cut'), 'damaged', 'CPIO_TRUNCATED'],
    ['size larger than the data', [file('./a', 'x', { size: 5 })], 'damaged', 'CPIO_MAGIC'],
    ['size smaller than the data', [file('./a', 'xyz', { size: 1 })], 'damaged', 'CPIO_MAGIC'],
    ['no end entry', cpio([file('./a')], 'cut'), 'damaged', 'CPIO_TRUNCATED'],
    ['end entry with data', cpio([{ name: 'TRAILER!!!', mode: 0, data: 'x' }], 'cut'), 'damaged', 'CPIO_TRAILER'],
    ['bad octal', [file('./a', 'x', { header: (text) => text.replace('100644', '10064x') })], 'damaged', 'CPIO_NUMBER'],
    [
      '8 in an octal',
      [file('./a', 'x', { header: (text) => text.replace('100644', '100684') })],
      'damaged',
      'CPIO_NUMBER',
    ],
    [
      'bad octal in the device',
      [file('./a', 'x', { header: (text) => `070707x${text.slice(7)}` })],
      'damaged',
      'CPIO_NUMBER',
    ],
    ['empty archive', Buffer.alloc(0), 'damaged', 'CPIO_TRUNCATED'],
  ];
  for (const [what, payload, kind, code] of cases) {
    // Before there is an entry the archive is named, then the entry.
    const last = Array.isArray(payload) ? payload.at(-1)?.name.toString() : undefined;
    const name = code.startsWith('CPIO') ? 'Payload' : (last ?? 'Payload').replace(/^\.\//, '').slice(0, 50);
    it(`refuses ${what}, leaving nothing`, async () => {
      await expectStopped(temp.path(), pkg(payload), { kind, code, names: printable(name) });
    });
    it(`refuses ${what} in a scripts archive`, async () => {
      const bytes = pkg([file('./a')], { scripts: Array.isArray(payload) ? cpio(payload) : payload });
      const names = printable(name.replace('Payload', 'Scripts'));
      await expectStopped(temp.path(), bytes, { kind, code, names, part: 'scripts' });
    });
  }

  const encodings: [what: string, start: string, says: RegExp][] = [
    ['pbze', 'pbze\0\0\0', /LZFSE/],
    ['pbz4', 'pbz4\0\0\0', /LZ4/],
    ['unknown', 'AA01\x1b[2J', /4141/],
  ];
  for (const [what, start, says] of encodings) {
    it(`names the encoding it cannot read: ${what}`, async () => {
      const path = temp.write('x.pkg', pkg(Buffer.from(start.padEnd(50, '.'), 'latin1'), { packed: raw }));
      const failure = await failureOf(listFiles(path));
      expect([failure.kind, failure.code]).to.deep.equal(['unsupported', 'PAYLOAD_ENCODING']);
      expect(failure.message).to.match(says);
    });
  }

  it('refuses an empty payload member, damaged gzip and bytes after it', async () => {
    const archive = cpio([file('./a', 'x'.repeat(5000))]);
    const codes: string[] = [];
    for (const packed of [
      () => Buffer.alloc(0),
      (bytes: Buffer) => gzipSync(bytes).subarray(0, -9),
      (bytes: Buffer) => Buffer.concat([gzipSync(bytes), Buffer.from('garbage')]),
      (bytes: Buffer) => Buffer.from(gzipSync(bytes)).fill(0xff, 12, 30),
    ]) {
      codes.push((await failureOf(listFiles(temp.write('x.pkg', pkg(archive, { packed }))))).code);
    }
    expect(codes).to.deep.equal(['PAYLOAD_EMPTY', 'PAYLOAD_GZIP', 'PAYLOAD_GZIP', 'PAYLOAD_GZIP']);
  });

  it('reads bare cpio, gzip in several members, and zeros after the end', async () => {
    const archive = cpio([file('./a', 'x'.repeat(5000)), file('b')]);
    for (const packed of [
      raw,
      (bytes: Buffer) => Buffer.concat([gzipSync(bytes.subarray(0, 100)), gzipSync(bytes.subarray(100))]),
      (bytes: Buffer) => gzipSync(Buffer.concat([bytes, Buffer.alloc(700)])),
      (bytes: Buffer) => Buffer.concat([gzipSync(bytes), Buffer.alloc(700)]),
    ]) {
      const path = temp.write('x.pkg', pkg(archive, { packed }));
      expect((await listFiles(path)).entries.map((entry) => entry.path)).to.deep.equal(['a', 'b']);
      expect((await verify(path)).warnings.join()).not.to.include('follow the end');
    }
  });

  it('warns of bytes after the end entry, and of a second archive there', async () => {
    const second = Buffer.concat([cpio([file('./a')]), cpio([file('./b')])]);
    const { warnings } = await verify(temp.write('x.pkg', pkg(second)));
    expect(warnings.join('\n')).to.match(/bytes follow the end of the archive/);
    expect((await listFiles(temp.path('x.pkg'))).entries).to.have.length(1);
  });

  it('warns of twins by case and by Unicode form, files and folders', async () => {
    const entries = [file('./README'), file('./readme'), file('./caf\u00e9/a'), file('./cafe\u0301/b')];
    const { warnings } = await verify(temp.write('x.pkg', pkg(entries)));
    expect(warnings.filter((line) => line.includes('differs from'))).to.have.length(2);
  });

  it('lets no control character of a name out in a warning', async () => {
    const names = ['./\x1b[2Ja', './\x1b[2JA', './\u202eb', './\x1b[2Ja'];
    const path = temp.write('x.pkg', pkg(names.map((name) => file(name))));
    const { warnings } = await verify(path);
    expect(warnings.join('')).to.include('\\u{1b}[2JA: differs from').and.include('is there twice');
    expect(warnings.join('')).not.to.match(/[\p{Cc}\u202e]/u);
    // Programs get names as they are.
    expect((await listFiles(path)).entries.map((entry) => entry.path)).to.include('\x1b[2Ja');
  });

  it('stages scripts at the top of the root, wherever the payload would go', async () => {
    mkdirSync(temp.path('root'));
    const info = '<pkg-info identifier="a" install-location="/opt/x"/>';
    const path = temp.write('x.pkg', pkg([file('./a')], { info, scripts: cpio([file('./preinstall')]) }));
    const staged = await stage(path, { root: temp.path('root'), part: 'scripts' });
    await staged.rollback();
    expect(staged.entries.map(({ absolute }) => absolute)).to.deep.equal(['/preinstall']);
    expect((await listFiles(path, { part: 'scripts' })).entries.map(({ absolute }) => absolute)).to.deep.equal([
      '/preinstall',
    ]);
  });

  it('takes the last of two files of one name, with a warning', async () => {
    mkdirSync(temp.path('root'));
    const path = temp.write('x.pkg', pkg([file('./a', 'first'), file('./a', 'second', { mode: 0o100600 })]));
    const staged = await stage(path, { root: temp.path('root') });
    expect(staged.warnings.join()).to.include('the last one counts');
    await staged.commit();
    expect(snapshot(temp.path('root'))).to.deep.equal([`a 600 ${Buffer.from('second').toString('base64')}`]);
  });

  it('never takes entries of inode 0, or of one inode, for hard links', async () => {
    const shared = { nlink: 2, ino: 0 };
    const entries = [
      file('./a', 'AAA', shared),
      file('./b', 'BBBB', shared),
      file('./c', 'CC', { nlink: 2, ino: 77 }),
      file('./d', '', { nlink: 2, ino: 77 }),
    ];
    await extractTo(temp.write('x.pkg', pkg(entries)), temp.path('out'));
    const contents = ['a', 'b', 'c', 'd'].map((name) => readFileSync(temp.path('out', name), 'utf8'));
    expect(contents).to.deep.equal(['AAA', 'BBBB', 'CC', '']);
  });

  it('makes symlinks that lead anywhere, in circles too, and follows none', async () => {
    const entries = [link('./up', '../../..'), link('./abs', '/etc'), link('./self', 'self'), file('./x')];
    entries.push(link('./there', 'back'), link('./back', 'there'));
    await extractTo(temp.write('x.pkg', pkg(entries)), temp.path('out'));
    expect(snapshot(temp.path('out')).filter((line) => line.includes('->'))).to.deep.equal([
      'abs -> /etc',
      'back -> there',
      'self -> self',
      'there -> back',
      'up -> ../../..',
    ]);
  });

  it('takes a slash at the end of the name of a folder, and of nothing else', async () => {
    const path = temp.write('x.pkg', pkg([dir('./a/'), file('./a/b')]));
    expect((await listFiles(path)).entries.map((entry) => entry.path)).to.deep.equal(['a', 'a/b']);
    expect((await failureOf(listFiles(temp.write('y.pkg', pkg([file('./a/')]))))).code).to.equal('NAME');
    expect((await failureOf(listFiles(temp.write('z.pkg', pkg([dir('./a//')]))))).code).to.equal('NAME');
  });

  it('leaves AppleDouble files out and counts them', async () => {
    const path = temp.write('x.pkg', pkg([file('./a'), file('./._a'), file('./d/._b')]));
    expect((await listFiles(path)).entries.map((entry) => entry.path)).to.deep.equal(['a']);
    expect((await verify(path)).warnings.join()).to.include('2 AppleDouble');
    const climbing = temp.write('y.pkg', pkg([file('./../._a')]));
    expect((await failureOf(listFiles(climbing))).code).to.equal('NAME');
  });

  it('stops at the limits of entries, payload bytes and disk space', async () => {
    mkdirSync(temp.path('root'));
    const root = temp.path('root');
    const many = temp.write('many.pkg', pkg(Array.from({ length: 30 }, (_, n) => file(`./f${n}`))));
    expect((await failureOf(stage(many, { root, limits: { entries: 20 } }))).code).to.equal('LIMIT_ENTRIES');
    const big = temp.write('big.pkg', pkg([file('./big', Buffer.alloc(3_000_000))]));
    const bomb = await failureOf(stage(big, { root, limits: { payloadBytes: 1_000_000 } }));
    expect([bomb.kind, bomb.code]).to.deep.equal(['damaged', 'LIMIT_BYTES']);
    const full = await failureOf(stage(big, { root, limits: { reserveBytes: Number.MAX_SAFE_INTEGER } }));
    expect([full.kind, full.code]).to.deep.equal(['io', 'NO_SPACE']);
    expect(readdirSync(root)).to.deep.equal([]);
  });

  it('stops at names, targets and implied folders that would not fit into memory', async () => {
    mkdirSync(temp.path('root'));
    const root = temp.path('root');
    const codeOf = async (entries: CraftedEntry[], limits: Partial<Limits>) =>
      (await failureOf(stage(temp.write('x.pkg', pkg(entries)), { root, limits }))).code;
    const deep = [1, 2, 3].map((n) => dir(`./${n}${'/a'.repeat(50)}`));
    expect(await codeOf(deep, { entries: 100 })).to.equal('LIMIT_ENTRIES');
    expect(await codeOf(deep, { nameBytes: 5000 })).to.equal('LIMIT_NAMES');
    const links = [1, 2, 3].map((n) => link(`./${n}`, 'x'.repeat(2000)));
    expect(await codeOf(links, { nameBytes: 5000 })).to.equal('LIMIT_NAMES');
    expect(readdirSync(root)).to.deep.equal([]);
    // A quarter of a megabyte that would fill 16 GB.
    const bomb = Array.from({ length: 40_000 }, (_, n) => dir(`${n}${'/AAAAAAA'.repeat(120)}`));
    expect((await failureOf(listFiles(temp.write('bomb.pkg', pkg(bomb))))).code).to.equal('LIMIT_NAMES');
  });

  it('refuses what is too long or too deep where it goes, and counts the way there', async () => {
    mkdirSync(temp.path('root'));
    const root = temp.path('root');
    const at = (location: string) => `<pkg-info identifier="a" version="1" install-location="${location}"/>`;
    const far = `/${'f'.repeat(200)}`.repeat(4);
    const cases: [location: string, path: string, says: RegExp][] = [
      [far, 'p'.repeat(225), /^p+…?: unsafe name: it is longer than 1024 bytes where it goes$/],
      ['/a'.repeat(100), `${'b/'.repeat(28)}c`, /deep$/],
    ];
    for (const [location, path, says] of cases) {
      const bytes = pkg([file(`./${path}`)], { info: at(location) });
      const failure = await expectStopped(temp.path(), bytes, {
        kind: 'damaged',
        code: 'NAME',
        names: path.slice(0, 20),
      });
      expect(failure.message).to.match(says);
    }
    const deepest = pkg([file(`./${'b/'.repeat(27)}c`)], { info: at('/a'.repeat(100)) });
    await (await stage(temp.write('x.pkg', deepest), { root })).rollback();
    const many = temp.write(
      'y.pkg',
      pkg(
        [1, 2, 3].map((n) => dir(`./${n}`)),
        { info: at(far) },
      ),
    );
    expect((await failureOf(stage(many, { root, limits: { nameBytes: 2000 } }))).code).to.equal('LIMIT_NAMES');
  });

  it('counts what files take on the disk in whole blocks', async () => {
    mkdirSync(temp.path('root'));
    const staging = new StagingFolder(temp.path('root'), '.stage');
    staging.create();
    const warnings = new Warnings();
    const options = { preserveOwners: false, modeMask: 0o777, durable: false, spaceBytes: 20_000, warnings };
    const writer = new StagedWriter(staging, options);
    const write = (path: string) => {
      const entry = { path, type: 'file', mode: 0o644, uid: 0, gid: 0, size: 1, mtime: 0, target: null, cksum: null };
      writer.begin(entry as FileEntry, null);
      writer.end(entry as FileEntry);
    };
    for (const path of ['a', 'b', 'c', 'd']) write(path);
    expect((await failureOf(() => write('e'))).code).to.equal('NO_SPACE');
  });

  it('refuses what is not a regular file', async () => {
    symlinkSync('nowhere', temp.path('dangling'));
    expect((await failureOf(listFiles(temp.path('dangling')))).kind).to.equal('usage');
    expect((await failureOf(listFiles(temp.path('missing')))).kind).to.equal('usage');
    expect((await failureOf(listFiles(temp.path()))).kind).to.equal('unsupported');
    expect((await failureOf(listFiles('/dev/null'))).kind).to.equal('usage');
  });

  it('keeps modes as they are recorded in lists', async () => {
    const path = temp.write('x.pkg', pkg([{ name: './s', mode: FILE | 0o6111, data: 'x', uid: 5, gid: 6 }]));
    expect((await listFiles(path)).entries[0]).to.deep.include({ mode: 0o6755, uid: 5, gid: 6, mtime: 1_000_000_000 });
  });

  it('survives any change of the archive: nothing outside of the root, nothing left of a refused one', async () => {
    const good = cpio([
      dir('.'),
      dir('./d'),
      file('./d/a', 'hello'),
      link('./d/l', '../../x'),
      file('./..evil'),
      file('./b', Buffer.alloc(300, 'b')),
    ]);
    const piece = fc.constantFrom('/', '../', './', '\0', '7', '0', '12', '\x1b', 'TRAILER!!!\0', '070707');
    const change = fc.tuple(fc.nat(good.length - 20), fc.oneof(piece, fc.string({ maxLength: 3 })));
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
        run += 1;
        const bad = Buffer.from(good);
        for (const [at, text] of changes) bad.write(text, at, 'latin1');
        const base = temp.path(`run${run}`);
        mkdirSync(`${base}/root`, { recursive: true });
        writeFileSync(`${base}/x.pkg`, pkg(bad));
        try {
          await (await stage(`${base}/x.pkg`, { root: `${base}/root`, preserveOwners: false })).commit();
        } catch (error) {
          expect(error).to.be.instanceOf(FlatpkgError);
          expect((error as FlatpkgError).kind).to.be.oneOf(['damaged', 'refused', 'unsupported']);
          expect(readdirSync(`${base}/root`)).to.deep.equal([]);
        }
        expect(readdirSync(base).sort()).to.deep.equal(['root', 'x.pkg']);
        expect(readdirSync(`${base}/root`).filter((name) => name.startsWith('.flatpkg'))).to.deep.equal([]);
      }),
      { numRuns: 300 },
    );
  });
});
