import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type ImageKind, isImage, kindByName, oneLine, readImage } from '@d3/show';
import { expect } from 'chai';
import fc from 'fast-check';
import { jpeg, png, SVG, webp } from '../../../../packages/show/test/pictures.ts';
import { captionOf, readCaptions } from '../../src/show/captions.ts';
import { findSlides, PUPPIES, readSlide } from '../../src/show/slides.ts';
import { Slideshow } from '../../src/show/slideshow.ts';

describe('the images of a show', () => {
  let folder: string;
  const put = (name: string, bytes: Buffer | string) => writeFileSync(path.join(folder, name), bytes);
  const names = async () => (await findSlides(folder)).map(({ file }) => path.basename(file));

  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'd3-slides-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('depot3:I12 twelve puppies come with d3: small, each a drawing, each with a caption, none that asks for anything from elsewhere', async () => {
    const puppies = await findSlides(PUPPIES);
    expect(puppies).to.have.length(12);
    const said = readCaptions(readFileSync(path.join(PUPPIES, 'captions.json'), 'utf8'));
    expect(puppies.map(({ file }) => path.basename(file))).to.have.members([...said.keys()]);
    for (const { file, caption } of puppies) {
      const text = readFileSync(file, 'utf8');
      expect(text.length, file).to.be.below(6000);
      expect(caption, file).to.equal(said.get(path.basename(file)));
      expect(text, file).to.not.match(/<(?:script|image|use|foreignObject|style)\b|\bon\w+=|href|url\((?!#)/i);
      expect(text, file).to.include('<title>');
    }
    expect(new Set(puppies.map(({ caption }) => caption)).size).to.equal(12);
  });

  it('depot3:I07 takes jpg, png, webp and svg by what they are as well as by their names, and nothing else', async () => {
    put('a.jpg', jpeg(40, 30));
    put('b.JPEG', jpeg(40, 30));
    put('c.png', png(4, 4));
    put('d.webp', webp(12, 9));
    put('e.svg', SVG);
    put('f.svg', `\ufeff<?xml version="1.0"?>\n<!-- drawn -->\n${SVG}`);
    put('readme.txt', 'no image');
    put('g.gif', 'GIF89a');
    put('h.png', 'this is no image');
    put('i.jpg', png(4, 4));
    put('j.svg', '<html><svg xmlns="http://www.w3.org/2000/svg"/></html>');
    put('k.webp', Buffer.alloc(0));
    put('.hidden.png', png(4, 4));
    put('Thumbs.db', 'x');
    expect(await names()).to.deep.equal(['a.jpg', 'b.JPEG', 'c.png', 'd.webp', 'e.svg', 'f.svg']);
  });

  it('a folder full of traps holds nobody up: links, pipes, devices, folders, huge and unfolding files', async () => {
    put('good.png', png(4, 4));
    symlinkSync('/etc/passwd', path.join(folder, 'passwd.png'));
    symlinkSync(path.join(folder, 'good.png'), path.join(folder, 'linked.png'));
    symlinkSync('/dev/zero', path.join(folder, 'zero.png'));
    execFileSync('mkfifo', [path.join(folder, 'pipe.png')]);
    mkdirSync(path.join(folder, 'folder.png'));
    put('huge.png', png(4, 4));
    truncateSync(path.join(folder, 'huge.png'), 5e12);
    put('bomb.png', png(60_000, 60_000));
    put('none.png', png(0, 4));
    put('laughs.svg', `<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>${SVG}`);
    put('later.svg', SVG.replace('<rect', '<!DOCTYPE x><rect'));
    put('latin.svg', Buffer.from(SVG.replace('rect', 'r\u00e9ct'), 'latin1'));
    const began = performance.now();
    expect(await names()).to.deep.equal(['good.png']);
    expect(performance.now() - began).to.be.below(2000);
    expect(await readImage(path.join(folder, 'pipe.png'))).to.equal(null);
    expect(await readImage('/dev/zero')).to.equal(null);
  });

  it('an image a setting names may be a link of the admin’s; what is not there is none', async () => {
    put('real.png', png(4, 4));
    symlinkSync('real.png', path.join(folder, 'link.png'));
    expect((await readImage(path.join(folder, 'link.png')))?.kind).to.equal('png');
    expect(await readImage(path.join(folder, 'gone.png'))).to.equal(null);
    expect(await readImage(path.join(folder, 'real'))).to.equal(null);
  });

  it('names with newlines, quotes, markup and broken letters are shown as what they say, in one line', async () => {
    const hostile = [
      'new\nline.png',
      `"quoted' & <b>.png`,
      '</figcaption><script>alert(1)</script>.png'.replaceAll('/', '\u2215'),
      '\u202egnp.png',
      ' lead.png',
    ];
    for (const name of hostile) put(name, png(4, 4));
    const slides = await findSlides(folder);
    expect(slides).to.have.length(hostile.length);
    expect(slides.map(({ caption }) => caption)).to.have.members([
      'new line',
      `"quoted' & <b>`,
      '<\u2215figcaption><script>alert(1)<\u2215script>',
      'gnp',
      'lead',
    ]);
    for (const slide of slides) expect(await readSlide(slide)).to.not.equal(null);
  });

  it('a captions file names them; one that is none, or names something else, changes nothing', async () => {
    put('first_day-out.png', png(4, 4));
    put('Fido at work_2.png', png(4, 4));
    const captions = async () => (await findSlides(folder)).map(({ caption }) => caption);
    expect(await captions()).to.deep.equal(['Fido at work_2', 'first day out']);
    put('captions.json', JSON.stringify({ 'first_day-out.png': 'Out\nat last', other: 'x', 'Fido at work_2.png': 7 }));
    expect(await captions()).to.deep.equal(['Fido at work_2', 'Out at last']);
    for (const broken of ['[]', '{', 'null', '"x"', '']) {
      put('captions.json', broken);
      expect(await captions(), broken).to.deep.equal(['Fido at work_2', 'first day out']);
    }
    rmSync(path.join(folder, 'captions.json'));
    symlinkSync('/dev/zero', path.join(folder, 'captions.json'));
    expect(await captions()).to.deep.equal(['Fido at work_2', 'first day out']);
  });

  it('a folder of a thousand images shows five hundred of them', async () => {
    for (let index = 0; index < 1000; index += 1) put(`${String(index).padStart(4, '0')}.svg`, SVG);
    expect(await names()).to.have.length(500);
  });

  it('an image that changed or went since it was found is no slide any more', async () => {
    put('a.png', png(4, 4));
    const [slide] = await findSlides(folder);
    put('a.png', 'gone bad');
    expect(await readSlide(slide as never)).to.equal(null);
    rmSync(path.join(folder, 'a.png'));
    expect(await readSlide(slide as never)).to.equal(null);
  });

  describe('in their order', () => {
    it('shows each once before one comes again, and passes over what went meanwhile', async () => {
      for (const name of ['a', 'b', 'c', 'd']) put(`${name}.png`, png(4, 4));
      const show = new Slideshow(folder, () => 0);
      const round = async (count: number) => {
        const seen: string[] = [];
        for (let turn = 0; turn < count; turn += 1) seen.push((await show.next())?.slide.caption ?? '');
        return seen;
      };
      expect(await round(4)).to.have.members(['a', 'b', 'c', 'd']);
      rmSync(path.join(folder, 'b.png'));
      expect(await round(3)).to.have.members(['a', 'c', 'd']);
    });

    it('a folder that vanishes during the show becomes the puppies, at once; one that comes back is shown again', async () => {
      put('a.png', png(4, 4));
      let time = 0;
      const show = new Slideshow(folder, () => time);
      expect((await show.next())?.slide.caption).to.equal('a');
      rmSync(folder, { recursive: true });
      const next = await show.next();
      expect(next?.slide.file.startsWith(PUPPIES)).to.equal(true);
      mkdirSync(folder);
      put('b.png', png(4, 4));
      time = 60_000;
      expect((await show.next())?.slide.caption).to.equal('b');
    });

    it('a folder without an image, a file and nothing at all are the puppies', async () => {
      put('readme.txt', 'x');
      for (const place of [folder, path.join(folder, 'readme.txt'), path.join(folder, 'no', 'such'), null]) {
        const slides = await new Slideshow(place, () => 0).slides();
        expect(slides, String(place)).to.have.length(12);
      }
    });

    it('the order is any order, and always all of them', async () => {
      for (const name of readdirSync(PUPPIES).slice(0, 5)) put(name.replace(/\W/g, '') + '.png', png(4, 4));
      const all = await names();
      await fc.assert(
        fc.asyncProperty(
          fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
          async (random) => {
            const show = new Slideshow(
              folder,
              () => 0,
              () => random.next().value as number,
            );
            expect((await show.slides()).map(({ file }) => path.basename(file))).to.have.members(all);
          },
        ),
        { numRuns: 25 },
      );
    });
  });

  describe('the rules', () => {
    it('no bytes at all make the reader of images fail, and only what begins as an image is one', () => {
      const kinds: ImageKind[] = ['jpg', 'png', 'webp', 'svg'];
      const begins: Record<ImageKind, (bytes: Buffer) => boolean> = {
        jpg: (bytes) => bytes[0] === 0xff && bytes[1] === 0xd8,
        png: (bytes) => bytes.toString('latin1', 1, 4) === 'PNG',
        webp: (bytes) => bytes.toString('latin1', 8, 12) === 'WEBP',
        svg: (bytes) => bytes.includes('<svg'),
      };
      const whole = [jpeg(9, 9), png(9, 9), webp(9, 9), Buffer.from(SVG)];
      const mutant = fc
        .tuple(fc.constantFrom(...whole), fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 6 }), fc.nat(200))
        .map(([bytes, changes, cut]) => {
          const copy = Buffer.from(bytes);
          for (const [at, value] of changes) if (at < copy.length) copy[at] = value;
          return copy.subarray(0, Math.max(0, copy.length - cut));
        });
      const anything = fc.oneof(
        fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
        mutant,
      );
      fc.assert(
        fc.property(fc.constantFrom(...kinds), anything, (kind, bytes) => {
          if (isImage(kind, bytes)) expect(begins[kind](bytes)).to.equal(true);
        }),
        { numRuns: 3000 },
      );
      for (const [index, kind] of kinds.entries()) {
        expect(kinds.filter((other) => isImage(other, whole[index] as Buffer))).to.deep.equal([kind]);
      }
    });

    it('a caption is one line without what turns it around, not too long, and saying it again changes nothing', () => {
      fc.assert(
        fc.property(fc.string({ unit: 'binary', maxLength: 400 }), fc.string({ unit: 'grapheme' }), (name, said) => {
          for (const caption of [captionOf(name, new Map()), captionOf(name, new Map([[name, said]]))]) {
            expect(caption).to.not.match(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u);
            expect(Array.from(caption).length).to.be.at.most(200);
            expect(caption.isWellFormed()).to.equal(true);
            expect(oneLine(caption)).to.equal(caption);
          }
        }),
        { numRuns: 300 },
      );
    });

    it('a name says the kind by its end alone', () => {
      expect(['a.JPG', 'a.jpeg', 'a.b.png', 'a.webp', 'a.svg'].map(kindByName)).to.deep.equal([
        'jpg',
        'jpg',
        'png',
        'webp',
        'svg',
      ]);
      expect(['a', 'png', 'a.png.txt', 'a.svgz', 'a.constructor', 'a.png '].map(kindByName)).to.deep.equal(
        Array(6).fill(null),
      );
    });
  });
});
