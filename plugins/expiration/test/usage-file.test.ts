import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { accountsHere, accountsIn } from '../src/accounts.ts';
import {
  formatUsage,
  isRecordable,
  LARGEST_USAGE_FILE,
  MOST_PATHS,
  parseUsage,
  readUsage,
  type Usage,
  writeUsage,
} from '../src/usage-file.ts';
import { type FolderUsage, readUsageFolder, USAGE_FOLDER_MODE, usageFile, usageFolder } from '../src/usage-folder.ts';

const NOW = new Date('2026-11-20T12:00:00Z');
const DAY = 86_400_000;
const ago = (days: number) => new Date(NOW.getTime() - days * DAY);

/** As the ancestor's monitor left it on a Mac. */
const OLD = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>/Applications/Calendar.app/Contents/MacOS/Calendar</key>
	<date>2018-09-14T20:11:32Z</date>
	<key>/System/Library/CoreServices/Finder.app/Contents/MacOS/Finder</key>
	<date>2018-10-02T08:01:59Z</date>
</dict>
</plist>
`;

function good(found: Usage | { damage: string } | null): Usage {
  if (found === null || 'damage' in found) throw new Error(`no usage: ${found?.damage}`);
  return found;
}

const damageOf = (found: object | null) =>
  found !== null && 'damage' in found ? found.damage : `none: ${JSON.stringify(found)}`;
const anyone = { now: NOW, refuse: () => null };

describe('a usage file', () => {
  let dir: string;
  let file: string;
  beforeEach(() => {
    dir = mkdtempSync(path.join(os.tmpdir(), 'd3-usage-'));
    file = path.join(dir, 'sally.plist');
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it("depot3:H02 the ancestor's own are read, and what is written has its form", () => {
    const { lastUsed, future, since } = good(parseUsage(Buffer.from(OLD), NOW));
    expect([...lastUsed].map(([app, at]) => [app, at.toISOString()])).to.deep.equal([
      ['/Applications/Calendar.app/Contents/MacOS/Calendar', '2018-09-14T20:11:32.000Z'],
      ['/System/Library/CoreServices/Finder.app/Contents/MacOS/Finder', '2018-10-02T08:01:59.000Z'],
    ]);
    expect(future).to.deep.equal([]);
    expect(since?.toISOString(), 'its oldest date').to.equal('2018-09-14T20:11:32.000Z');
    expect(formatUsage(lastUsed, null)).to.equal(OLD.replaceAll('\t', '  '));
  });

  it('depot3:H02 says since when it was begun, apart from all paths', () => {
    const usage = good(parseUsage(Buffer.from(formatUsage(new Map([['/a', ago(1)]]), ago(40))), NOW));
    expect([...usage.lastUsed.keys()]).to.deep.equal(['/a']);
    expect(usage.since).to.deep.equal(ago(40));
    expect(good(parseUsage(Buffer.from(formatUsage(new Map(), null)), NOW)).since).to.equal(null);
  });

  it('keeps every path it can hold, commas, line ends and all, to the second', () => {
    const text = fc.string({
      unit: fc.constantFrom(
        'a',
        ',',
        '\n',
        '\r',
        '\t',
        ' ',
        '&',
        '<',
        '>',
        '"',
        ']]>',
        'é',
        'e\u0301',
        '日',
        '🐶',
        '-->',
        '\\',
      ),
      minLength: 1,
      maxLength: 20,
    });
    const app = text.map((name) => `/${name}`);
    const time = fc.integer({ min: 0, max: NOW.getTime() / 1000 }).map((seconds) => new Date(seconds * 1000));
    fc.assert(
      fc.property(fc.array(fc.tuple(app, time)), time, (entries, since) => {
        const lastUsed = new Map(entries);
        const usage = good(parseUsage(Buffer.from(formatUsage(lastUsed, since)), NOW));
        expect(new Map(usage.lastUsed)).to.deep.equal(lastUsed);
        expect(usage.since).to.deep.equal(since);
      }),
    );
  });

  it('whatever its bytes are, it is read as dates of absolute paths that are past, or called damaged', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((all) => Buffer.from(all)),
      fc
        .tuple(fc.nat(OLD.length - 1), fc.string({ unit: 'binary', maxLength: 6 }), fc.nat(10))
        .map(([at, put, cut]) => Buffer.from(OLD.slice(0, at) + put + OLD.slice(at + cut))),
    );
    fc.assert(
      fc.property(bytes, (content) => {
        const found = parseUsage(content, NOW);
        if ('damage' in found) {
          expect(found.damage).to.be.a('string').and.not.equal('');
          return;
        }
        for (const [app, at] of found.lastUsed) {
          expect(path.isAbsolute(app)).to.equal(true);
          expect(at.getTime()).to.be.at.most(NOW.getTime() + 300_000);
        }
      }),
      { numRuns: 500 },
    );
  });

  const list = (body: string, doctype = '') =>
    Buffer.from(`<?xml version="1.0"?>${doctype}<plist version="1.0">${body}</plist>`);
  for (const [what, content, why] of [
    ['an empty file', Buffer.alloc(0), /not well formed/],
    ['half a file', Buffer.from(OLD.slice(0, 300)), /not well formed/],
    ['a list', list('<array/>'), /something else/],
    ['a relative path', list('<dict><key>bin/x</key><date>2020-01-01T00:00:00Z</date></dict>'), /no absolute path/],
    ['a number for a date', list('<dict><key>/x</key><integer>1</integer></dict>'), /no date/],
    ['a day there never was', list('<dict><key>/x</key><date>2020-13-45T00:00:00Z</date></dict>'), /no date/],
    [
      'one path twice',
      list('<dict><key>/x</key><date>2020-01-01T00:00:00Z</date><key>/x</key><date>2020-01-02T00:00:00Z</date></dict>'),
      /two values/,
    ],
    ['a dictionary in it', list('<dict><key>/x</key><dict/></dict>'), /no date/],
    [
      'entities of its own',
      list('<dict><key>&a;</key><date>2020-01-01T00:00:00Z</date></dict>', '<!DOCTYPE plist [<!ENTITY a "/x">]>'),
      /document type/,
    ],
    [
      'a file from outside',
      list('<dict/>', '<!DOCTYPE plist SYSTEM "file:///etc/passwd" [<!ENTITY % x SYSTEM "file:///etc/passwd"> %x;]>'),
      /document type/,
    ],
    ['deep nesting', list(`${'<array>'.repeat(200)}${'</array>'.repeat(200)}`), /deeper/],
    ['a binary property list', Buffer.from('bplist00\x00'), /binary/],
    ['bytes that are no text', Buffer.from([0x3c, 0xff, 0xfe, 0x3e]), /UTF-8/],
  ] as const) {
    it(`${what} is damage, said as such`, () => {
      expect(damageOf(parseUsage(content, NOW))).to.match(why);
    });
  }

  it('a name such as __proto__ is a key like others', () => {
    expect(
      damageOf(parseUsage(list('<dict><key>__proto__</key><date>2020-01-01T00:00:00Z</date></dict>'), NOW)),
    ).to.match(/no absolute path/);
  });

  it('dates of the future are told apart: they are neither use nor no use', () => {
    const lastUsed = new Map([
      ['/soon', new Date(NOW.getTime() + 60_000)],
      ['/later', new Date(NOW.getTime() + DAY)],
      ['/past', ago(1)],
    ]);
    const usage = good(parseUsage(Buffer.from(formatUsage(lastUsed, new Date('2030-01-01T00:00:00Z'))), NOW));
    expect([...usage.lastUsed.keys()]).to.deep.equal(['/past', '/soon']);
    expect(usage.future).to.deep.equal(['/later']);
    expect(usage.since).to.deep.equal(NOW);
  });

  it('paths that no XML can hold are left out, and can be told before', () => {
    expect(['/a,b', '/a\nb', '/ü'].map(isRecordable)).to.deep.equal([true, true, true]);
    const bad = ['relative', '/a\u0001', '/\ud800', '/\uffff'];
    expect(bad.map(isRecordable)).to.deep.equal([false, false, false, false]);
    const text = formatUsage(new Map(['/kept', ...bad].map((app) => [app, NOW])), null);
    expect([...good(parseUsage(Buffer.from(text), NOW)).lastUsed.keys()]).to.deep.equal(['/kept']);
  });

  it('holds the apps used last, and never more than a reader takes', () => {
    const many = new Map(
      Array.from({ length: MOST_PATHS + 500 }, (_, at) => [`/${'x'.repeat(30)}${at}`, new Date(at * 1000)]),
    );
    const { lastUsed } = good(parseUsage(Buffer.from(formatUsage(many, null)), NOW));
    expect(lastUsed.size).to.equal(MOST_PATHS);
    expect(lastUsed.has(`/${'x'.repeat(30)}${MOST_PATHS + 499}`)).to.equal(true);
    const long = new Map(Array.from({ length: 5000 }, (_, at) => [`/${'é'.repeat(1900)}${at}`, new Date(at * 1000)]));
    const text = formatUsage(long, null);
    expect(Buffer.byteLength(text)).to.be.at.most(LARGEST_USAGE_FILE);
    expect(good(parseUsage(Buffer.from(text), NOW)).lastUsed.has(`/${'é'.repeat(1900)}4999`)).to.equal(true);
  });

  it('is written whole, for its owner only, over what a cut left', () => {
    writeFileSync(path.join(dir, '.sally.plist.new'), 'half');
    writeUsage(file, { lastUsed: new Map([['/a', ago(2)]]), since: ago(3) });
    writeUsage(file, { lastUsed: new Map([['/a', ago(1)]]), since: ago(3) });
    expect(readdirSync(dir)).to.deep.equal(['sally.plist']);
    expect(statSync(file).mode & 0o777).to.equal(0o600);
    utimesSync(file, NOW, NOW);
    const read = readUsage(file, anyone);
    expect(read).to.deep.equal({ lastUsed: new Map([['/a', ago(1)]]), future: [], since: ago(3), writtenAt: NOW });
  });

  it('none is nothing, and is not damage', () => {
    expect(readUsage(file, anyone)).to.equal(null);
  });

  it('is not read through a link, a second name, a pipe or a folder', () => {
    const secret = path.join(dir, 'secret');
    writeFileSync(secret, OLD);
    symlinkSync(secret, file);
    expect(damageOf(readUsage(file, anyone))).to.equal('it is a link');
    rmSync(file);
    linkSync(secret, file);
    expect(damageOf(readUsage(file, anyone))).to.equal('it has a second name elsewhere');
    rmSync(file);
    execFileSync('mkfifo', [file]);
    expect(damageOf(readUsage(file, anyone))).to.equal('it is no plain file');
    rmSync(file);
    mkdirSync(file);
    expect(damageOf(readUsage(file, anyone))).to.equal('it is no plain file');
  });

  it('of 100 MB is refused by its size, before anything of it is read', () => {
    const handle = openSync(file, 'w');
    ftruncateSync(handle, 100 * 1024 * 1024);
    closeSync(handle);
    const before = process.memoryUsage().arrayBuffers;
    expect(damageOf(readUsage(file, anyone))).to.equal('it has 104857600 bytes, more than the 4194304 it may have');
    expect(process.memoryUsage().arrayBuffers - before).to.be.below(1024 * 1024);
  });

  it('written in the future says not when', () => {
    writeFileSync(file, OLD);
    utimesSync(file, NOW, new Date(NOW.getTime() + DAY));
    expect(readUsage(file, anyone)).to.deep.include({ writtenAt: null });
  });
});

describe('the folder of usage files', () => {
  let dir: string;
  let folder: string;
  beforeEach(() => {
    dir = mkdtempSync(path.join(os.tmpdir(), 'd3-usage-'));
    folder = path.join(dir, 'Usage');
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  function make(files: Record<string, string> = {}): void {
    mkdirSync(folder);
    chmodSync(folder, USAGE_FOLDER_MODE);
    for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
  }
  const usersOf = (found: FolderUsage) => {
    if (found === null || 'damage' in found) throw new Error(`no users: ${found?.damage}`);
    return found.users;
  };
  const read = (accountOf: ((uid: number) => string | null) | null = null) =>
    readUsageFolder(folder, { now: NOW, accountOf });

  it("is the seed's on a Mac and in the state elsewhere, under the root", () => {
    expect(usageFolder('/r', 'darwin')).to.equal('/r/Library/Application Support/d3/Usage');
    expect(usageFolder('/r', 'linux')).to.equal('/r/var/lib/d3/usage');
  });

  it("depot3:H10 is d3's own: what Jamf has on record of applications is no usage", () => {
    const logs = path.join(dir, 'Library/Application Support/JAMF/Usage/2030-01-01');
    mkdirSync(logs, { recursive: true });
    writeFileSync(path.join(logs, 'calvin.plist'), OLD);
    expect(readUsageFolder(usageFolder(dir, 'darwin'), { now: NOW, accountOf: null })).to.equal(null);
  });

  it('depot3:BUG-20 that is not there, or empty, is no failure', () => {
    expect(read()).to.equal(null);
    make();
    expect(read()).to.deep.equal({ users: [] });
  });

  it("depot3:H05 has a file for each user; one that is damaged leaves the others' as they are", () => {
    make({
      'calvin.plist': OLD,
      'susie.plist': 'junk',
      '.moe.plist.new': OLD,
      'moe.plist.damaged': OLD,
      'notes.txt': '',
    });
    const users = usersOf(read());
    expect(users.map(({ user }) => user)).to.deep.equal(['calvin', 'susie']);
    expect(users.map((each) => 'damage' in each)).to.deep.equal([false, true]);
  });

  it("a file somebody made in another's name is damage; root's, and those of accounts that are gone, are not", () => {
    make({ 'calvin.plist': OLD });
    const own = statSync(folder).uid;
    const [found] = usersOf(read((uid) => (uid === own && uid !== 0 ? 'moe' : null)));
    if (own === 0) {
      expect(found, "root's").to.not.have.property('damage');
      chownSync(path.join(folder, 'calvin.plist'), 1234, 1234);
      expect(usersOf(read((uid) => (uid === 1234 ? 'moe' : null)))[0]).to.have.property('damage', 'it belongs to moe');
      expect(usersOf(read((uid) => (uid === 1234 ? 'calvin' : null)))[0]).to.not.have.property('damage');
      expect(usersOf(read(() => null))[0]).to.not.have.property('damage');
    } else expect(found).to.have.property('damage', 'it belongs to moe');
  });

  it("in which users could remove one another's files nothing counts", () => {
    make({ 'calvin.plist': OLD });
    chmodSync(folder, 0o733);
    expect(damageOf(read())).to.match(/swap one another's.*d3 repoman install/);
  });

  it('that is a link is not followed, and one full of names is not read to its end', () => {
    mkdirSync(path.join(dir, 'elsewhere'));
    symlinkSync(path.join(dir, 'elsewhere'), folder);
    expect(damageOf(read())).to.equal('it is no folder');
    rmSync(folder);
    make();
    for (let at = 0; at <= 10_000; at += 1) closeSync(openSync(path.join(folder, `u${at}.plist`), 'w'));
    expect(damageOf(read())).to.match(/more than 10000/);
  });

  it('names no file after a user whose name leads elsewhere', () => {
    expect(usageFile('/u', 'sally')).to.equal('/u/sally.plist');
    for (const user of ['', '.', '..', '.hidden', 'a/b', '../x', 'a\0b', 'x'.repeat(201)])
      expect(() => usageFile('/u', user), user).to.throw(RangeError);
  });

  it('belongs to accounts, which the system knows by their numbers', () => {
    expect([...accountsIn('root:x:0:0::/:/bin/sh\nbad\ntoor:x:0:0::/:\nsally:x:501:20::/:\n')]).to.deep.equal([
      [0, 'root'],
      [501, 'sally'],
    ]);
    const accountOf = accountsHere();
    expect(accountOf(0)).to.equal('root');
    expect(accountOf(3_999_999)).to.equal(null);
    expect(readFileSync('/etc/passwd', 'utf8')).to.include('root:');
  });
});
