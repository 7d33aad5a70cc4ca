import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { attached, type Recording } from '../recorded/mac.ts';

/** A file with the trailer of a disk image; what is in it only a Mac could tell. */
export function imageFile(changes: (trailer: Buffer) => void = () => undefined): Buffer {
  const bytes = Buffer.alloc(512);
  bytes.write('koly');
  bytes.writeUInt32BE(4, 4);
  bytes.writeUInt32BE(512, 8);
  bytes.writeBigUInt64BE(100n, 32);
  changes(bytes);
  return Buffer.concat([Buffer.alloc(200), bytes]);
}

/**
 * Calls of hdiutil: attaching gives the volume a place in the folder asked for, as hdiutil does, and detaching takes it away.
 * @param dir a folder for what is remembered between the two
 * @param volume a word of the shell for the folder with the volume's content; `${10}` is the image
 */
export function attaching(dir: string, volume: string, more: Partial<Recording> = {}): Recording[] {
  const options = ['-plist', '-nobrowse', '-readonly', '-noautoopen', '-owners', 'on', '-mountrandom'];
  const [list, places] = [path.join(dir, 'attached'), path.join(dir, 'attached-at-')];
  writeFileSync(list, attached('__'));
  return [
    {
      args: ['attach', ...options, '*', '*'],
      stdout: 'END USER LICENSE AGREEMENT\n',
      does: [
        `cp -R ${volume} "$9/dmg.x1"; echo "$9/dmg.x1" >'${places}'"disk$$"`,
        `sed "s#__#$9/dmg.x1#; s#/dev/disk4#/dev/disk$$#" '${list}'`,
      ].join('\n'),
      ...more,
    },
    { args: ['detach', '*'], does: `rm -rf "$(cat '${places}'"$(basename "$2")")"` },
  ];
}
