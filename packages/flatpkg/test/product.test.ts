import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { extractTo, inspect, listFiles, stage, verify } from '../src/index.ts';
import { type CraftedMember, cpio, file, xar } from './helpers/craft.ts';
import { failureOf } from './helpers/failures.ts';
import { snapshot, useTempFolder } from './helpers/temp.ts';

interface Part {
  name: string;
  /** Instead of its own. */
  identifier?: string;
  /** Attributes of its PackageInfo, and what is inside of it. */
  info?: string;
  inside?: string;
  /** Paths of its payload; null for none. */
  files?: string[] | null;
}

/** A product archive: the members of each component are wrapped into a folder element. */
function product(distribution: string, parts: Part[]): Buffer {
  const members: CraftedMember[] = [{ name: 'Distribution', content: distribution }];
  for (const {
    name,
    identifier = `identifier="com.example.${name}"`,
    info = '',
    inside = '',
    files = [`./${name}`],
  } of parts) {
    const number = 1000 + members.length;
    const folder = `<file id="${number}"><type>directory</type><name>${name} part.pkg</name>`;
    const document = `<pkg-info ${identifier} version="1" ${info}>${inside}</pkg-info>`;
    const end = files === null ? '</file>' : '';
    members.push({ name: 'PackageInfo', content: document, xml: (xml) => `${folder}${xml}${end}` });
    if (files === null) continue;
    const payload = gzipSync(cpio(files.map((path) => file(path, name))));
    members.push({ name: 'Payload', content: payload, xml: (xml) => `${xml}</file>` });
  }
  return xar(members);
}

const script = (inside: string) => `<installer-gui-script minSpecVersion="1">${inside}</installer-gui-script>`;
const reference = (name: string, attributes = '') =>
  `<pkg-ref id="ref.${name}" ${attributes}>#${name}%20part.pkg</pkg-ref>`;

describe('product archives', () => {
  const temp = useTempFolder();
  const write = (distribution: string, parts: Part[]) => temp.write('x.pkg', product(script(distribution), parts));
  const [one, two]: [Part, Part] = [{ name: 'one' }, { name: 'two' }];

  it('lists every component by its folder, with the identifier of its PackageInfo', async () => {
    const path = write('<pkg-ref id="other">#one%20part.pkg</pkg-ref>', [one, two]);
    const summary = await inspect(path);
    expect(summary.kind).to.equal('product');
    expect(summary.components.map(({ directory, identifier }) => [directory, identifier])).to.deep.equal([
      ['one part.pkg', 'com.example.one'],
      ['two part.pkg', 'com.example.two'],
    ]);
    expect((await verify(path)).members).to.equal(5);
    expect((await listFiles(path)).entries.map((entry) => [entry.component, entry.path])).to.deep.equal([
      ['com.example.one', 'one'],
      ['com.example.two', 'two'],
    ]);
  });

  it('puts PackageInfo and Distribution together into one model', async () => {
    const distribution = [
      '<title>The Product</title><product id="com.example.product" version="7.1"/>',
      '<options hostArchitectures="x86_64, arm64" rootVolumeOnly="true"/>',
      '<volume-check><allowed-os-versions><os-version min="10.9.5" before="10.10"/><os-version min="11"/></allowed-os-versions></volume-check>',
      `${reference('one', 'version="1.5"')}<pkg-ref id="ref.one" onConclusion="RequireRestart"/>`,
      '<pkg-ref id="ref.one"><must-close><app id="com.example.editor"/></must-close></pkg-ref>',
      reference('two'),
    ].join('');
    const inside = [
      '<payload numberOfFiles="3" installKBytes="40"/>',
      '<bundle path="./One.app" id="com.example.One" CFBundleShortVersionString="2.0" CFBundleVersion="200"/>',
      '<must-close><app id="com.example.viewer"/></must-close>',
    ].join('');
    const path = write(distribution, [
      { name: 'one', inside, info: 'minimumSystemVersion="10.15"' },
      { name: 'two', files: null, info: 'postinstall-action="logout"' },
    ]);
    const summary = await inspect(path);
    expect(summary).to.deep.include({
      title: 'The Product',
      version: '7.1',
      restart: 'restart',
      minimumSystemVersion: '11',
      architectures: ['x86_64', 'arm64'],
      mustClose: ['com.example.viewer', 'com.example.editor'],
      receipts: ['com.example.one'],
      installKBytes: 40,
    });
    expect(summary.components[0]?.bundles).to.deep.equal([
      { id: 'com.example.One', path: './One.app', shortVersion: '2.0', version: '200' },
    ]);
    expect(summary.components.map(({ restart }) => restart)).to.deep.equal(['restart', 'logout']);
    expect(summary.distribution).to.deep.include({
      productId: 'com.example.product',
      rootVolumeOnly: true,
      systems: [
        { min: '10.9.5', before: '10.10' },
        { min: '11', before: null },
      ],
      packages: [
        {
          id: 'ref.one',
          version: '1.5',
          directory: 'one part.pkg',
          onConclusion: ['RequireRestart'],
          mustClose: ['com.example.editor'],
        },
        { id: 'ref.two', version: null, directory: 'two part.pkg', onConclusion: [], mustClose: [] },
      ],
    });
  });

  it('lets a reference that fits no component speak of all', async () => {
    const path = write('<pkg-ref id="whole" onConclusion="RequireLogout"/>', [one, two]);
    expect((await inspect(path)).components.map(({ restart }) => restart)).to.deep.equal(['logout', 'logout']);
  });

  it('installs what is chosen when nobody chooses, where the choice says', async () => {
    const choices = [
      '<choices-outline><line choice="a"/><line choice="b"/></choices-outline>',
      '<choice id="a" customLocation="/opt/moved"><pkg-ref id="ref.one"/></choice>',
      '<choice id="b" start_selected="false"><pkg-ref id="ref.two"/></choice>',
      '<choice id="not in the outline"><pkg-ref id="ref.two"/></choice>',
    ].join('');
    const path = write(`${choices}${reference('one')}${reference('two')}`, [one, two]);
    const { components, receipts } = await inspect(path);
    expect(components.map(({ selected, installLocation }) => [selected, installLocation])).to.deep.equal([
      [true, '/opt/moved'],
      [false, '/'],
    ]);
    expect(receipts).to.deep.equal(['com.example.one']);
    const staged = await stage(path, { root: temp.path() });
    await staged.commit();
    expect(staged.entries.map(({ absolute }) => absolute)).to.deep.equal(['/opt/moved/one']);
    expect(readFileSync(temp.path('opt/moved/one'), 'utf8')).to.equal('one');
  });

  it('never runs a script: what depends on one counts as chosen, and is told', async () => {
    const distribution = [
      '<installation-check script="system.run(\'/bin/false\')"/>',
      '<choice id="a" start_selected="system.files.fileExistsAtPath(\'/x\')"><pkg-ref id="ref.one"/></choice>',
      reference('one'),
    ].join('');
    const summary = await inspect(write(distribution, [one]));
    expect(summary.components[0]?.selected).to.equal(true);
    expect(summary.distribution?.hasScriptedChecks).to.equal(true);
    expect(summary.distribution?.choices[0]).to.deep.include({ selected: true, conditional: true });
    expect(summary.warnings.join('\n'))
      .to.match(/choice "a" depends on a script/)
      .and.match(/decides by scripts/);
  });

  it('unpacks an only component into the folder itself, several into folders of their own', async () => {
    await extractTo(write(reference('one'), [one]), temp.path('single'));
    expect(snapshot(temp.path('single'))).to.deep.equal(['one 644 b25l']);
    const both = write('', [one, two]);
    await extractTo(both, temp.path('both'));
    expect(snapshot(temp.path('both'))).to.deep.equal([
      'one part.pkg/ 755',
      'one part.pkg/one 644 b25l',
      'two part.pkg/ 755',
      'two part.pkg/two 644 dHdv',
    ]);
    await extractTo(both, temp.path('named'), { component: 'com.example.two' });
    expect(snapshot(temp.path('named'))).to.deep.equal(['two 644 dHdv']);
    const failure = await failureOf(extractTo(both, temp.path('none'), { component: 'com.example.three' }));
    expect([failure.kind, failure.message]).to.deep.equal([
      'usage',
      'com.example.three: no component has this name: there are one part.pkg, two part.pkg',
    ]);
  });

  it('moves nothing for a choice that is not made', async () => {
    const choices = [
      '<choice id="a" start_selected="False" customLocation="/elsewhere"><pkg-ref id="ref.one"/></choice>',
      '<choice id="b"><pkg-ref id="ref.one"/></choice>',
    ].join('');
    const [component] = (await inspect(write(`${choices}${reference('one')}`, [one]))).components;
    expect([component?.selected, component?.installLocation]).to.deep.equal([true, '/']);
  });

  it('takes a choice for made when a script may make it later', async () => {
    const choice = '<choice id="a" start_selected="false" selected="x()"><pkg-ref id="ref.one"/></choice>';
    const { components, distribution, warnings } = await inspect(write(`${choice}${reference('one')}`, [one]));
    expect([components[0]?.selected, distribution?.choices[0]?.conditional]).to.deep.equal([true, true]);
    expect(warnings.join()).to.include('it counts as made');
  });

  it('tells two components of the same identifier apart', async () => {
    const same = 'identifier="com.example.same"';
    const bytes = product(script(''), [
      { name: 'one', files: ['./shared', './a'] },
      { name: 'two', files: ['./shared'] },
    ]);
    const path = temp.write('x.pkg', bytes);
    expect((await inspect(path)).receipts).to.have.length(2);
    const twins = product(script(''), [
      { name: 'one', files: ['./shared', './a'], identifier: same },
      { name: 'two', files: ['./shared'], identifier: same },
    ]);
    const staged = await stage(temp.write('y.pkg', twins), { root: temp.path() });
    await staged.commit();
    expect(readFileSync(temp.path('shared'), 'utf8')).to.equal('two');
    expect((await inspect(temp.path('y.pkg'))).receipts).to.deep.equal(['com.example.same']);
  });

  it('of a file in two components the later one counts, and that is told', async () => {
    const path = write('', [
      { name: 'one', files: ['./same', './a'] },
      { name: 'two', files: ['./same'] },
    ]);
    const staged = await stage(path, { root: temp.path() });
    expect(staged.warnings.join()).to.contain('/same: two components bring this file');
    await staged.commit();
    expect(staged.entries.map(({ component, absolute }) => `${component} ${absolute}`)).to.deep.equal([
      'com.example.one /a',
      'com.example.two /same',
    ]);
    expect(readFileSync(temp.path('same'), 'utf8')).to.equal('two');
  });

  const cases: [what: string, inside: string, kind: string, code: string][] = [
    ['a reference to a URL', '<pkg-ref id="a">http://example.com/x.pkg</pkg-ref>', 'refused', 'DISTRIBUTION_URL'],
    ['a reference that climbs', '<pkg-ref id="a">file:../x.pkg</pkg-ref>', 'damaged', 'DISTRIBUTION'],
    ['a reference to what is not there', '<pkg-ref id="a">#x.pkg</pkg-ref>', 'damaged', 'DISTRIBUTION'],
    [
      'two places for one reference',
      `${reference('one')}<pkg-ref id="ref.one">#two.pkg</pkg-ref>`,
      'damaged',
      'DISTRIBUTION',
    ],
    ['a choice whose location climbs', '<choice id="a" customLocation="/../etc"/>', 'damaged', 'NAME'],
    ['a choice whose location is no path', '<choice id="a" customLocation="x()"/>', 'refused', 'DISTRIBUTION_LOCATION'],
    [
      'two locations for one component',
      `${reference('one')}${['/a', '/b'].map((at) => `<choice id="${at}" customLocation="${at}"><pkg-ref id="ref.one"/></choice>`).join('')}`,
      'refused',
      'DISTRIBUTION_LOCATION',
    ],
  ];
  for (const [what, inside, kind, code] of cases) {
    it(`refuses ${what}`, async () => {
      const failure = await failureOf(listFiles(write(inside, [one])));
      expect([failure.kind, failure.code]).to.deep.equal([kind, code]);
    });
  }

  it('refuses one without components', async () => {
    expect((await failureOf(listFiles(write('', [])))).code).to.equal('NO_COMPONENT');
  });
});
