import { mkdirSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { writeBom } from '../src/bom/write.ts';
import { extractTo, inspect, listFiles, stage, verify } from '../src/index.ts';
import { cpio, dir, file, PACKAGE_INFO, pkg, product, repeatedFolder, script } from './helpers/craft.ts';
import { expectStopped, failureOf, type Stopped } from './helpers/failures.ts';
import { snapshot, useTempFolder } from './helpers/temp.ts';

const one = { directory: 'one.pkg' };
const reference = '<pkg-ref id="one">#one.pkg</pkg-ref>';
const texts = (count: number, text: (n: number) => string) => Array.from({ length: count }, (_, n) => text(n)).join('');

/** Fails when `work` takes longer than hostile input may make it take, on a slow machine. */
async function within<T>(milliseconds: number, work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  const result = await work();
  expect(performance.now() - started).to.be.lessThan(milliseconds);
  return result;
}

describe('product archives: hostile ones', () => {
  const temp = useTempFolder();
  const place = (text: string) => `<pkg-ref id="one">${text}</pkg-ref>`;
  const choice = (attributes: string) => `${reference}<choice id="c" ${attributes}><pkg-ref id="one"/></choice>`;
  const cases: [what: string, inside: string, kind: Stopped['kind'], code: string][] = [
    ['a reference to a URL', place('https://example.com/x.pkg'), 'refused', 'DISTRIBUTION_URL'],
    ['a reference to another computer', place('file://example.com/x.pkg'), 'refused', 'DISTRIBUTION_URL'],
    ['a reference to no scheme at all', place('//example.com/x.pkg'), 'refused', 'DISTRIBUTION_URL'],
    ['a reference that climbs', place('../x.pkg'), 'damaged', 'DISTRIBUTION'],
    ['a reference that climbs, as a file', place('file:./../x.pkg'), 'damaged', 'DISTRIBUTION'],
    ['a reference that climbs, in percent', place('#%2e%2e%2fone.pkg'), 'damaged', 'DISTRIBUTION'],
    ['an absolute reference', place('#/etc/one.pkg'), 'damaged', 'DISTRIBUTION'],
    ['a reference with a NUL', place('#one.pkg%00'), 'damaged', 'DISTRIBUTION'],
    ['a reference with broken percents', place('#%zz'), 'damaged', 'DISTRIBUTION'],
    ['a reference in bad UTF-8', place('#%ff'), 'damaged', 'DISTRIBUTION'],
    ['a reference to what is not there', place('#two.pkg'), 'damaged', 'DISTRIBUTION'],
    ['a reference to two places', place('#one.pkg') + place('#two.pkg'), 'damaged', 'DISTRIBUTION'],
    ['a reference without an id', '<pkg-ref>#one.pkg</pkg-ref>', 'damaged', 'DISTRIBUTION'],
    ['a location that climbs', choice('customLocation="/opt/../../etc"'), 'damaged', 'NAME'],
    ['a relative location', choice('customLocation="opt"'), 'refused', 'DISTRIBUTION_LOCATION'],
    ['a location with a long part', choice(`customLocation="/${'n'.repeat(256)}"`), 'damaged', 'NAME'],
    [
      'two locations of one component',
      choice('customLocation="/a"') + choice('customLocation="/b"'),
      'refused',
      'DISTRIBUTION_LOCATION',
    ],
    ['two titles', '<title>a</title><title>b</title>', 'damaged', 'XML_TWICE'],
    ['120 choices deep', `${'<choice>'.repeat(120)}${'</choice>'.repeat(120)}`, 'damaged', 'XML_DEPTH'],
  ];
  for (const [what, inside, kind, code] of cases) {
    it(`refuses: ${what}`, async () => {
      const bytes = product(script(inside), [one]);
      await expectStopped(temp.path(), bytes, { kind, code, names: 'Distribution', early: true });
    });
  }

  it('refuses a Distribution that declares a document type, or is no Distribution', async () => {
    const expected = { kind: 'damaged', names: 'Distribution', early: true } as const;
    const typed = `<!DOCTYPE x SYSTEM "file:///etc/passwd">${script('')}`;
    await expectStopped(temp.path(), product(typed, [one]), { ...expected, code: 'XML_DOCTYPE' });
    await expectStopped(temp.path(), product('<plist/>', [one]), { ...expected, code: 'DISTRIBUTION' });
  });

  it('refuses the attacks on a component in every component, named with its folder', async () => {
    const good = { directory: 'good.pkg', info: PACKAGE_INFO.replace('crafted', 'good') };
    const bad = { directory: 'bad.pkg', payload: [file('./a'), file('../evil')] };
    const expected = { kind: 'damaged', code: 'NAME' } as const;
    await expectStopped(temp.path(), product(script(''), [good, bad]), { ...expected, names: '../evil' });
    const info = PACKAGE_INFO.replace('auth', 'install-location="/a/../../etc" auth');
    const climbing = product(script(''), [good, { ...bad, info }]);
    await expectStopped(temp.path(), climbing, { ...expected, names: 'bad.pkg/PackageInfo', early: true });
    const scripts = product(script(''), [good, { directory: 'bad.pkg', scripts: [file('/etc/x')] }]);
    await expectStopped(temp.path(), scripts, { ...expected, names: '/etc/x', part: 'scripts' });
    const bom = product(script(''), [good, { directory: 'bad.pkg', bom: Buffer.from('BOMStorm'.padEnd(600)) }]);
    await expectStopped(temp.path(), bom, { kind: 'damaged', code: 'BOM', names: 'bad.pkg/Bom' });
  });

  it('reports checks in JavaScript, and runs none', async () => {
    const attack = 'system.run(&apos;touch&apos;); while (true) {}';
    const inside = [
      `<installation-check script="${attack}"/><volume-check script="${attack}"/><script>while (true) {}</script>`,
      reference,
      `<choice id="c" selected="${attack}" start_selected="${attack}"><pkg-ref id="one"/></choice>`,
    ].join('');
    const path = temp.write('x.pkg', product(script(inside), [one]));
    const summary = await inspect(path);
    expect(summary.distribution?.hasScriptedChecks).to.equal(true);
    expect(summary.warnings.join('\n')).to.match(/not run here/);
    expect(summary.components[0]?.selected).to.equal(true);
  });

  for (const before of ['none', 'NONE', 'RequireLogout', 'RequireWhatever']) {
    it(`does not let a "${before}" hide a restart that is demanded elsewhere`, async () => {
      const inside = `<pkg-ref id="one" onConclusion="${before}"/>${reference}<pkg-ref id="one" onConclusion="RequireShutdown"/>`;
      const { restart, warnings } = await inspect(temp.write('x.pkg', product(script(inside), [one])));
      expect(restart).to.equal('shutdown');
      expect(warnings).to.have.length(before === 'RequireWhatever' ? 1 : 0);
    });
  }

  it('unpacks no component out of its folder, whatever the folder is called', async () => {
    for (const directory of ['..', '.', 'a/b', 'n'.repeat(256)]) {
      const names = directory.slice(0, 50);
      const bytes = product(script(''), [{ directory }, one]);
      await expectStopped(temp.path(), bytes, { kind: 'damaged', code: 'XAR_NAME', names, early: true });
    }
    const bytes = product(script(''), [{ directory: 'a\u202eb\\..' }, { directory: 'é &amp; x' }]);
    await extractTo(temp.write('x.pkg', bytes), temp.path('to'));
    expect(snapshot(temp.path('to')).filter((line) => line.includes('/ '))).to.have.length(2);
  });

  it('gives a name that two components have to neither', async () => {
    const path = temp.write('x.pkg', product(script(''), [one, { directory: 'two.pkg' }]));
    const failure = await failureOf(extractTo(path, temp.path('to'), { component: 'com.example.crafted' }));
    expect([failure.kind, failure.code]).to.deep.equal(['usage', 'COMPONENT']);
  });
});

describe('product archives: bombs', () => {
  const temp = useTempFolder();

  it('of components without end are refused', async () => {
    const bytes = product(script(''), [one], { toc: repeatedFolder(1100) });
    const expected = { kind: 'damaged', code: 'COMPONENTS', names: '1000', early: true } as const;
    await within(20_000, () => expectStopped(temp.path(), bytes, expected));
  });

  it('of components that share one payload are counted together', async () => {
    const files = Array.from({ length: 6 }, (_, n) => file(`./${n}`, 'x'.repeat(3000)));
    const bytes = product(script(''), [{ ...one, payload: files }], { toc: repeatedFolder(50) });
    const path = temp.write('x.pkg', bytes);
    mkdirSync(temp.path('root'));
    const codeOf = async (limits: object) => {
      const failure = await failureOf(stage(path, { root: temp.path('root'), limits }));
      expect([failure.kind, snapshot(temp.path('root')).length]).to.deep.equal(['damaged', 0]);
      return failure.code;
    };
    expect(await codeOf({ entries: 250 })).to.equal('LIMIT_ENTRIES');
    expect(await codeOf({ nameBytes: 250 })).to.equal('LIMIT_NAMES');
    expect(await codeOf({ payloadBytes: 800_000 })).to.equal('LIMIT_BYTES');
    expect((await listFiles(path)).entries).to.have.length(300);
    // Against the limits that every reader has: 16 GB of names, most of them in folders nobody lists.
    const deep = Array.from({ length: 20 }, (_, n) => dir(`${n}${'/AAAAAAA'.repeat(120)}`));
    const bomb = product(script(''), [{ ...one, payload: deep }], { toc: repeatedFolder(1000) });
    const failure = await within(20_000, () => failureOf(verify(temp.write('y.pkg', bomb))));
    expect(failure.code).to.equal('LIMIT_NAMES');
  });

  it('of components that share one bill of materials are counted together', async () => {
    const record = { type: 'file', mode: 0o100644, uid: 0, gid: 0, mtime: 0, size: 5, cksum: 1, target: null } as const;
    const root = { ...record, path: '.', type: 'dir', mode: 0o040755 } as const;
    const bom = writeBom([root, ...Array.from({ length: 4000 }, (_, n) => ({ ...record, path: `${n}` }))]);
    const bytes = product(script(''), [{ ...one, bom }], { toc: repeatedFolder(500) });
    const failure = await within(20_000, () => failureOf(verify(temp.write('x.pkg', bytes))));
    expect([failure.kind, failure.code]).to.deep.equal(['damaged', 'LIMIT_BYTES']);
    expect(failure.message).to.match(/^one\.pkg\d+\/Bom: the bills of materials/);
  });

  it('of components that share one large PackageInfo are counted together', async () => {
    const info = `<pkg-info identifier="a">${`${' '.repeat(700_000)}<b/>`.repeat(5)}</pkg-info>`;
    const bytes = product(script(''), [{ ...one, info }], { toc: repeatedFolder(900) });
    const failure = await within(20_000, () => failureOf(inspect(temp.write('x.pkg', bytes))));
    expect([failure.kind, failure.code]).to.deep.equal(['damaged', 'LIMIT_BYTES']);
    expect(failure.message).to.match(/^one\.pkg\d+\/PackageInfo: the documents/);
  });

  it('of members that share one range are decoded once', async () => {
    const content = Buffer.alloc(30_000_000);
    const times = 3000;
    const toc = (xml: string) =>
      xml.replace(/<file id="2">.*?<\/file>/s, (member) =>
        texts(times, (n) => member.replace('id="2"', `id="${n + 10}"`).replace('</name>', `${n}</name>`)),
      );
    const bytes = pkg([file('./a')], { lies: { toc }, packed: () => content });
    const path = temp.write('x.pkg', bytes.subarray(0));
    const result = await within(20_000, () => verify(path));
    expect(result.members).to.equal(times + 1);
  });

  it('of references, choices and versions take no quadratic time', async () => {
    const components = Array.from({ length: 200 }, (_, n) => ({
      directory: `c${n}`,
      info: PACKAGE_INFO.replace('crafted', `c${n}`),
    }));
    const apps = texts(100, (n) => `<app id="app${n}"/>`);
    const close = `<must-close>${apps}</must-close>`;
    const inside: string[] = [
      texts(15_000, (n) => `<pkg-ref id="r${n}" onConclusion="RequireRestart">#c${n % 200}</pkg-ref>`),
      texts(10_000, (n) => `<pkg-ref id="unknown${n}" onConclusion="RequireLogout"/>`),
      texts(200, (n) => `<pkg-ref id="com.example.c${n}">${close}</pkg-ref>`),
      `<choices-outline>${texts(20_000, (n) => `<line choice="x${n}"/>`)}</choices-outline>${texts(
        20_000,
        (n) => `<choice id="x${n}"><pkg-ref id="r${n}"/></choice>`,
      )}`,
      `<allowed-os-versions><os-version min="${'1.'.repeat(400_000)}"/>${texts(40_000, (n) => `<os-version min="10.${n}"/>`)}</allowed-os-versions>`,
    ];
    for (const part of inside) {
      const path = temp.write('x.pkg', product(script(part), components));
      const summary = await within(10_000, () => inspect(path));
      expect(summary.components).to.have.length(200);
    }
  });

  it('of a table with more files than anybody needs, and one with just as many as pass', async () => {
    const toc = (count: number) => (xml: string) =>
      xml.replace(
        '</toc>',
        `${texts(count, (n) => `<file id="${n + 10}"><name>f${n}</name><type>file</type></file>`)}</toc>`,
      );
    const many = temp.write('x.pkg', pkg([file('./a')], { lies: { toc: toc(60_000) } }));
    expect((await within(20_000, () => inspect(many))).members).to.have.length(60_002);
    const more = temp.write('y.pkg', pkg([file('./a')], { lies: { toc: toc(200_000) } }));
    expect((await within(20_000, () => failureOf(inspect(more)))).code).to.equal('XML_NODES');
  });

  it('of long texts make no long messages', async () => {
    const long = 'n'.repeat(900_000);
    const bytes = product(script(`<pkg-ref id="a">#${long}</pkg-ref>`), [one]);
    await expectStopped(temp.path(), bytes, { kind: 'damaged', code: 'DISTRIBUTION', names: 'nnnn', early: true });
    const warned = product(script(`<pkg-ref id="one" onConclusion="${long}">#one.pkg</pkg-ref>`), [one]);
    const { warnings } = await inspect(temp.write('x.pkg', warned));
    expect(warnings.join().length).to.be.lessThan(5000);
  });

  it('of a payload in gzip stop at the limit, with little memory', async () => {
    const zeros = cpio([file('./zeros', Buffer.alloc(50_000_000))]);
    const path = temp.write('x.pkg', pkg(zeros, { packed: (bytes) => gzipSync(bytes, { level: 1 }) }));
    mkdirSync(temp.path('root'));
    const limits = { payloadBytes: 10_000_000 };
    const failure = await failureOf(stage(path, { root: temp.path('root'), limits }));
    expect([failure.code, failure.member]).to.deep.equal(['LIMIT_BYTES', 'Payload']);
    expect(snapshot(temp.path('root'))).to.deep.equal([]);
  });
});

describe('signatures: hostile ones', () => {
  const temp = useTempFolder();
  const signed =
    (certificates: string[], times = 1) =>
    (xml: string) => {
      const inside = certificates.map((text) => `<X509Certificate>${text}</X509Certificate>`).join('');
      const signature = `<signature style="RSA"><KeyInfo><X509Data>${inside}</X509Data></KeyInfo></signature>`;
      return xml.replace('</toc>', `${signature.repeat(times)}</toc>`);
    };
  const bytes = (toc: (xml: string) => string, heapEnd = Buffer.alloc(0)) =>
    pkg([file('./a')], { lies: { toc, heapEnd } });

  it('are shown as unreadable when they are no certificates', async () => {
    const nonsense = ['', 'AAAA', '!!!', Buffer.alloc(3000, 0x30).toString('base64')];
    const { signature } = await inspect(temp.write('x.pkg', bytes(signed(nonsense))));
    expect(signature).to.deep.include({ subject: null, teamId: null, verified: 'not verified here' });
    expect(signature?.chain).to.have.length(4);
  });

  it('are refused when there are too many or too large ones', async () => {
    const expected = { kind: 'damaged', code: 'XAR_SIGNATURE', names: 'table of contents', early: true } as const;
    await expectStopped(temp.path(), bytes(signed(Array.from({ length: 5000 }, () => 'AAAA'))), expected);
    await expectStopped(temp.path(), bytes(signed(['AAAA'], 5000)), expected);
    await expectStopped(temp.path(), bytes(signed(['A'.repeat(1_000_000)])), expected);
  });

  it('have no ticket where the last record is cut, or claims more than there is', async () => {
    const record = (length: number) => {
      const end = Buffer.alloc(16);
      end.write('t8lr', 'latin1');
      end.writeUInt16LE(1, 4);
      end.writeUInt16LE(2, 6);
      end.writeUInt32LE(length, 8);
      return end;
    };
    for (const end of [record(0xffffffff), record(0), record(3), record(64).subarray(0, 12)]) {
      const { signature } = await inspect(
        temp.write(
          'x.pkg',
          bytes((xml) => xml, end),
        ),
      );
      expect(signature).to.equal(null);
    }
  });
});
