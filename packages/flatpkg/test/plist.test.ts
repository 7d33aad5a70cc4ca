import { expect } from 'chai';
import fc from 'fast-check';
import { type PlainPlist, readPlainPlist, writePlist } from '../src/plist.ts';

describe('a property list that is written', () => {
  const text = fc.string({
    unit: fc.constantFrom('a', ' ', '\n', '\r', '\t', '&', '<', '>', '"', "'", ']]>', '-->', 'é', '🐶'),
    maxLength: 10,
  });
  const date = fc.integer({ min: 0, max: 4e9 }).map((seconds) => new Date(seconds * 1000));
  const bytes = fc.uint8Array({ maxLength: 9 }).map((all) => Buffer.from(all));
  const { value } = fc.letrec<{ value: PlainPlist }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      text,
      fc.maxSafeInteger(),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (Object.is(number, -0) ? 0 : number)),
      fc.boolean(),
      date,
      bytes,
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(text, tie('value'), { maxKeys: 4, noNullPrototype: false }),
    ),
  }));

  it('is read as what was written, whatever it is', () => {
    fc.assert(
      fc.property(value, fc.option(text), (all, comment) => {
        expect(readPlainPlist(Buffer.from(writePlist(all, comment)), 'x')).to.deep.equal(all);
      }),
    );
  });

  it('looks as those of others do', () => {
    expect(
      writePlist({ Label: 'a & b', On: true, List: [1, 1.5], None: {} }, 'ours -- all'),
    ).to.equal(`<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- ours - - all -->
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>a &amp; b</string>
  <key>On</key>
  <true/>
  <key>List</key>
  <array>
    <integer>1</integer>
    <real>1.5</real>
  </array>
  <key>None</key>
  <dict/>
</dict>
</plist>
`);
  });

  it('is none of what no property list can hold', () => {
    for (const bad of ['\u0000', '\ud800', Number.NaN, Number.POSITIVE_INFINITY, new Date(Number.NaN), new Date(8e15)])
      expect(() => writePlist([bad]), String(bad)).to.throw(RangeError);
  });
});
